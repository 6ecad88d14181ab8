import * as z from "zod/mini";
import { describe, expect, it } from "vitest";
import { defaultGoal, looseGoalShape } from "./goal";

describe("a goal from outside", () => {
  it("gets the defaults for what is zero or left out", () => {
    expect(z.parse(looseGoalShape, { horizon: 0, serviceLevel: 0, serviceRule: "" })).toEqual(defaultGoal);
  });
  it("keeps what is set, and no limit stays no limit", () => {
    const goal = z.parse(looseGoalShape, { horizon: 12, budgetTotal: 20_000, skus: null });
    expect(goal).toEqual({ ...defaultGoal, horizon: 12, budgetTotal: 20_000 });
  });
});
