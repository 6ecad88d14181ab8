import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { copying, downgrade, upgrade, type SentPreflight } from "@/testing/moves";
import { show } from "@/testing/render";
import type { PlanName } from "./plans";
import { PreflightView } from "./PreflightView";

const names: Record<string, string> = { growth: "Growth", enterprise: "Enterprise" };

/** A product that answers each pre-flight in turn, and each start with `started`. */
function product(preflights: SentPreflight[], started: () => Response) {
  const starts: unknown[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = input as Request;
    if (new URL(request.url).pathname === "/v1/moves/preflight") {
      return json(200, preflights.length > 1 ? preflights.shift() : preflights[0]);
    }
    starts.push(await request.json());
    return started();
  });
  return starts;
}

function json(status: number, body: unknown): Response {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": type } });
}

async function open(plan: PlanName, onStarted = () => {}) {
  await show(<PreflightView plan={plan} interval="month" nameOf={(id) => names[id] ?? id} onStarted={onStarted} />);
  await screen.findByRole("heading", { name: "What changes" });
}

describe("an upgrade before it starts", () => {
  it("shows before and after, the price with its lines, and what moves", async () => {
    product([upgrade()], () => json(500, {}));
    await open("enterprise");
    const seats = within(screen.getByRole("table", { name: "What changes" })).getByRole("row", { name: /Seats/ });
    expect(within(seats).getAllByRole("cell").map((cell) => cell.textContent)).toEqual(["25", "unlimited"]);
    expect(screen.getByText("Remaining time on Enterprise after 3 March")).toBeTruthy();
    expect(screen.getByText("$1,234.00")).toBeTruthy();
    expect(screen.getByText("$1,999.00")).toBeTruthy();
    expect(screen.getByText("12,345")).toBeTruthy();
    expect(screen.getByText("about 50 ms")).toBeTruthy();
  });
  it("starts with the hash of what was shown, and with when to switch", async () => {
    const started = vi.fn();
    const starts = product([upgrade()], () => json(201, copying()));
    await open("enterprise", started);
    await userEvent.click(screen.getByRole("radio", { name: "When I press the button" }));
    await userEvent.click(screen.getByRole("button", { name: "Start the copy now and pay $1,234.00 when I press the button" }));
    expect(starts).toEqual([{ plan: "enterprise", interval: "month", confirm: "h1", when: "asked" }]);
    expect(started).toHaveBeenCalledOnce();
  });
  it("shows what changed when it was worked out anew, and starts only what is shown", async () => {
    const dearer = upgrade({ hash: "h9", price: { ...upgrade().price, dueTodayCents: 130_000 } });
    const answers = [
      json(409, { status: 409, detail: "It changed.", code: "move.preflight_changed", kind: "conflict" }),
      json(201, copying()),
    ];
    const starts = product([upgrade(), dearer], () => answers.shift() ?? json(500, {}));
    await open("enterprise");
    await userEvent.click(screen.getByRole("button", { name: /Upgrade now and pay/ }));
    const note = await screen.findByRole("alert");
    expect(note.textContent).toContain("To pay today: $1,300.00, was $1,234.00.");
    await userEvent.click(screen.getByRole("button", { name: "Upgrade now and pay $1,300.00 when the copy is verified" }));
    expect(starts.map((body) => (body as { confirm: string }).confirm)).toEqual(["h1", "h9"]);
  });
  it("cannot be started while something is in the way, and says what to do", async () => {
    const blockers = [{ code: "move.run_active", text: "A decision is being made.", wayOut: "Wait until it is done." }];
    product([upgrade({ blockers })], () => json(500, {}));
    await open("enterprise");
    expect(screen.getByText("Wait until it is done.")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Upgrade" }).hasAttribute("disabled")).toBe(true);
  });
  it("says why it was not started", async () => {
    product([upgrade()], () => json(402, { status: 402, detail: "The card was declined.", code: "billing.declined", kind: "invalid" }));
    await open("enterprise");
    await userEvent.click(screen.getByRole("button", { name: /Upgrade now/ }));
    expect((await screen.findByRole("alert")).textContent).toContain("The card was declined.");
  });
});

describe("a downgrade before it starts", () => {
  it("shows what no longer fits and what becomes of it, and the credit", async () => {
    product([downgrade()], () => json(500, {}));
    await open("growth");
    const row = within(screen.getByRole("table", { name: "What does not fit" })).getByRole("row", { name: /Seats/ });
    expect(row.textContent).toBe("SeatsSix members can read and export, and change nothing.3125");
    expect(screen.getByRole("button", { name: /Downgrade now and get \$987\.00 credited/ })).toBeTruthy();
  });
});
