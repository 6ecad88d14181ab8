import { QueryClient } from "@tanstack/react-query";
import * as z from "zod/mini";
import { describe, expect, it } from "vitest";
import { began, cleaned, copying, failed, paused, ready, switched } from "@/testing/moves";
import { inShort, isBusy, keep, moveQuery, moveShape, newer, share } from "./moves";
import { setback, stageLines, timeLeft, titleOf, toneOf } from "./words";

const read = (value: unknown) => z.parse(moveShape, value);

describe("a move in short", () => {
  it.each([
    ["copying", copying(), "Moving 43 %"],
    ["paused", paused(), "Move paused, 43 %"],
    ["ready", ready(), "Ready to switch"],
    ["switched", switched(), "Moved; keep it?"],
    ["failed", failed(), "The move failed"],
    ["over", cleaned(), undefined],
    ["accepted", switched({ state: "accepted" }), undefined],
  ])("says how a move stands that is %s", (_, move, words) => {
    expect(inShort(read(move))?.text).toBe(words);
  });
  it("says nothing when there is no move", () => {
    expect(inShort(null)).toBeNull();
  });
  it("shows 100 % only when everything is done", () => {
    const near = read(copying({ progress: { ...copying().progress, percent: 99.9 } }));
    expect(share(near)).toBe("99 %");
  });
  it("is busy only while something goes on by itself", () => {
    expect([copying(), paused(), ready(), switched(), failed(), cleaned()].map((move) => isBusy(read(move)))).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("news of a move", () => {
  const now = read(copying());
  it("is taken when something happened", () => {
    const next = read(switched());
    expect(newer(now, next)).toBe(next);
    expect(newer(null, next)).toBe(next);
  });
  it("is left when it is older than what is known", () => {
    const old = read(copying({ events: copying().events.slice(0, 2) }));
    expect(newer(now, old)).toBe(now);
    const behind = read(copying({ progress: { ...copying().progress, percent: 41 } }));
    expect(newer(now, behind)).toBe(now);
  });
  it("is taken when it is of another move", () => {
    const other = read(copying({ id: "mov_2", events: [] }));
    expect(newer(now, other)).toBe(other);
  });
  it("makes the session old once the company may have another plan", () => {
    const client = new QueryClient();
    client.setQueryData(["session"], {});
    keep(client, now);
    expect(client.getQueryState(["session"])?.isInvalidated).toBe(false);
    keep(client, read(switched()));
    expect(client.getQueryState(["session"])?.isInvalidated).toBe(true);
    expect(client.getQueryData(moveQuery.queryKey)?.state).toBe("switched");
  });
});

describe("the words of a move", () => {
  const nameOf = (id: string) => ({ growth: "Growth", enterprise: "Enterprise" })[id] ?? id;
  it("names where from and where to", () => {
    expect(titleOf(read(copying()), nameOf)).toBe("Upgrade from Growth to Enterprise");
    expect(titleOf({ direction: "move", fromPlan: "growth", toPlan: "growth" }, nameOf)).toBe("Move of Growth");
  });
  it("counts a stage at work on, and leaves the others as measured", () => {
    const lines = stageLines(read(copying()), Date.parse(began) + 12_500);
    expect(lines.slice(1, 4).map((line) => [line.state, line.time])).toEqual([
      ["done", "3.6 s"],
      ["working", "4.5 s"],
      ["waiting", ""],
    ]);
  });
  it("shows no work while the move is paused", () => {
    expect(stageLines(read(paused()), Date.parse(began))[2]).toMatchObject({ state: "standing", time: "paused" });
    expect(stageLines(read(switched()), Date.parse(began))[8]).toMatchObject({ state: "standing", time: "your turn" });
  });
  it("tells of an error only while it matters", () => {
    expect([failed(), ready(), copying(), cleaned()].map((move) => setback(read(move)))).toEqual([
      "The move stopped by itself.",
      "It was not switched.",
      null,
      null,
    ]);
    expect(setback(read(switched()))).toBe("You did not go back.");
    const oneWay = switched().actions.filter(({ name }) => name !== "roll_back");
    expect(setback(read(switched({ actions: oneWay })))).toBe("There is no way back to the old copy.");
  });
  it("says how far ahead a moment lies, in whole minutes", () => {
    const now = Date.parse(began);
    expect(timeLeft("2026-03-04T15:30:20Z", now)).toBe(" (in 1 d 1 h)");
    expect(timeLeft("2026-03-03T14:07:59Z", now)).toBe(" (in 2 min)");
    expect(timeLeft("2026-03-03T14:05:30Z", now)).toBe("");
    expect(timeLeft("", now)).toBe("");
  });
  it("colours only what needs a look", () => {
    expect([copying(), paused(), switched(), failed()].map((move) => toneOf(read(move)))).toEqual([
      "plain",
      "attention",
      "accent",
      "bad",
    ]);
  });
});
