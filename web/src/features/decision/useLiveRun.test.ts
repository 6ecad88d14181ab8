import { describe, expect, it } from "vitest";
import type { Progress } from "./run";
import { extend } from "./useLiveRun";

const at = (elapsedSeconds: number, parts: Partial<Progress> = {}): Progress => ({
  stage: "solve",
  done: 0,
  total: 0,
  elapsedSeconds,
  nodes: 0,
  objective: 100,
  bound: 90,
  ...parts,
});

describe("the trail of a search", () => {
  it("grows with every report of the search", () => {
    const trail = extend(extend([], at(1)), at(2, { objective: 95 }));
    expect(trail.map((point) => point.objective)).toEqual([100, 95]);
  });
  it("takes no report twice and none from the past", () => {
    const trail = extend([], at(2));
    expect(extend(trail, at(2))).toBe(trail);
    expect(extend(trail, at(1))).toBe(trail);
  });
  it("ignores other stages and reports that know nothing yet", () => {
    expect(extend([], at(1, { stage: "forecast" }))).toEqual([]);
    expect(extend([], at(1, { objective: null, bound: undefined }))).toEqual([]);
    expect(extend([], null)).toEqual([]);
  });
});
