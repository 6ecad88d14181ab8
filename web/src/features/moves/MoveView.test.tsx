import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import * as z from "zod/mini";
import { describe, expect, it, vi } from "vitest";
import { began, cleaned, copying, failed, paused, ready, switched, type SentMove } from "@/testing/moves";
import { show } from "@/testing/render";
import { moveShape } from "./moves";
import { MoveView } from "./MoveView";

const showMove = (move: SentMove, props: { away?: boolean; mayAct?: boolean } = {}) =>
  show(<MoveView move={z.parse(moveShape, move)} away={false} mayAct {...props} />);

const buttons = () => screen.queryAllByRole("button").map((button) => button.textContent);

describe("a move that copies", () => {
  it("shows how far it is, in figures and by collection", async () => {
    await showMove(copying());
    expect(screen.getByRole("heading", { name: "Your data is being copied to your environment" })).toBeTruthy();
    expect(screen.getByRole("progressbar", { name: "Progress of the move" }).getAttribute("aria-valuenow")).toBe("43");
    expect(screen.getByText("43 %")).toBeTruthy();
    expect(screen.getByText("about 25 s")).toBeTruthy();
    expect(screen.getByText("12 writes")).toBeTruthy();
    const row = within(screen.getByRole("table", { name: "Collections" })).getByRole("row", { name: /Rows of tables/ });
    expect(within(row).getAllByRole("cell").map((cell) => cell.textContent)).toEqual(["11,900", "5,000", "1,200"]);
  });
  it("shows its log, newest last, and says the newest aloud", async () => {
    await showMove(copying());
    const lines = within(screen.getByRole("group", { name: "Log of the move" })).getAllByRole("listitem");
    expect(lines.at(-1)?.textContent).toContain("Copy begins");
    expect(screen.getByRole("log").textContent).toBe("Copy begins");
  });
  it("shows no button to those who may not change the plan", async () => {
    await showMove(copying(), { mayAct: false });
    expect(buttons()).toEqual([]);
  });
  it("says so when nothing is heard of it", async () => {
    await showMove(copying(), { away: true });
    expect(screen.getByRole("heading", { name: "No connection; trying again" })).toBeTruthy();
  });
});

describe("what can be done with a move", () => {
  const answer = (move: SentMove) =>
    vi.spyOn(globalThis, "fetch").mockResolvedValue(
      new Response(JSON.stringify(move), { status: 200, headers: { "Content-Type": "application/json" } }),
    );
  const sent = async (fetched: ReturnType<typeof answer>) => {
    const request = fetched.mock.calls[0]?.[0] as Request;
    return [new URL(request.url).pathname, (await request.json()) as unknown];
  };

  it("is done at once when the product asks nothing first", async () => {
    const fetched = answer(paused());
    await showMove(copying());
    await userEvent.click(screen.getByRole("button", { name: "Pause" }));
    expect(await sent(fetched)).toEqual(["/v1/moves/mov_1/actions", { action: "pause" }]);
  });
  it("is asked about first where the product says so", async () => {
    const fetched = answer(copying());
    await showMove(copying());
    await userEvent.click(screen.getByRole("button", { name: "Stop the move" }));
    const dialog = await screen.findByRole("dialog", { name: "Stop the move?" });
    expect(dialog.textContent).toContain("nothing is charged");
    expect(fetched).not.toHaveBeenCalled();
    await userEvent.click(within(dialog).getByRole("button", { name: "Stop the move" }));
    expect(await sent(fetched)).toEqual(["/v1/moves/mov_1/actions", { action: "abort" }]);
  });
});

describe("a move that stands", () => {
  it("says that it is paused, and how it goes on", async () => {
    await showMove(paused());
    expect(screen.getByText("It goes on where it stopped.")).toBeTruthy();
    expect(buttons()).toEqual(["Go on", "Stop the move"]);
  });
  it("waits for the press that switches", async () => {
    await showMove(ready());
    expect(screen.getByText("Waiting for you to press Switch")).toBeTruthy();
    expect(buttons()).toEqual(["Switch now", "Stop the move"]);
    expect(screen.getByText("3 of 3 came out the same")).toBeTruthy();
  });
  it("names rows and fields that are not the same when it failed", async () => {
    await showMove(failed());
    expect(screen.getByRole("alert").textContent).toContain("migration.mismatch");
    const rows = within(screen.getByRole("table", { name: "Differences" })).getAllByRole("row");
    expect(rows.slice(1).map((row) => row.textContent)).toEqual([
      "demand/SKU-14/2026-02rows, field quantity12012",
      "goal_3goals, field serviceLevel0.95nothing",
    ]);
  });
});

describe("a move that switched", () => {
  it("shows how long writes paused, and until when one can go back", async () => {
    await showMove(switched());
    expect(screen.getByText(/Writes paused for/).textContent).toBe("Writes paused for 23 ms");
    expect(screen.getByText(/You can go back until \d+ Mar 2099/)).toBeTruthy();
    expect(buttons()).toEqual(["Keep it", "Go back to the pool"]);
  });
  it("shows no share once it goes back, and both pauses", async () => {
    const back = { millis: 13, attempts: 2, at: began };
    await showMove(switched({ state: "discarding", actions: [], pauseBack: back, headline: "You are back where you were." }));
    expect(screen.queryByRole("progressbar")).toBeNull();
    expect(screen.getByText(/Writes paused for/).textContent).toBe("Writes paused for 23 ms");
    expect(screen.getByText(/on the way back/).textContent).toBe("and on the way back for 13 ms");
    expect(screen.getByText("It is the one in use again.")).toBeTruthy();
  });
  it("shows the proof that the old copy is gone", async () => {
    await showMove(cleaned());
    expect(screen.getByRole("heading", { name: "The old copy is gone" })).toBeTruthy();
    expect(screen.getByText(/^9f2c1b7d/)).toBeTruthy();
    expect(screen.getByText("1 d 1 h")).toBeTruthy();
    expect(buttons()).toEqual([]);
  });
});
