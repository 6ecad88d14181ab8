import { describe, expect, it } from "vitest";
import { defaultGoal } from "@/lib/api/goal";
import { checkEntry, fromForm, toForm, withChange } from "./goalForm";
import type { Field } from "./goals";

const field = (parts: Partial<Field>): Field => ({
  name: "serviceLevel",
  title: "Service level",
  kind: "number",
  unit: "",
  default: 0,
  options: [],
  help: "",
  ...parts,
});

describe("the goal form", () => {
  it("gives back the goal it was made from", () => {
    const goal = { ...defaultGoal, serviceLevel: 0.975, budgetPerPeriod: 4000, skus: ["SKU-1"] };
    expect(fromForm(toForm(goal, ""), goal)).toEqual(goal);
  });
  it("shows shares as per cent and no limit as an empty box", () => {
    expect(toForm({ ...defaultGoal, budgetTotal: 0 }, "")).toMatchObject({ serviceLevel: 95, gap: 1, budgetTotal: "" });
  });
  it("drops a limit whose box was emptied", () => {
    const goal = { ...defaultGoal, budgetTotal: 20_000 };
    expect(fromForm({ ...toForm(goal, ""), budgetTotal: "" }, goal)).not.toHaveProperty("budgetTotal");
  });
});

describe("checkEntry", () => {
  it("says the limits in the unit that is shown", () => {
    const level = field({ min: 0.5, max: 0.99 });
    expect(checkEntry(level, "serviceLevel", 99.9)).toBe("99 % is the most.");
    expect(checkEntry(level, "serviceLevel", 12)).toBe("50 % is the least.");
    expect(checkEntry(level, "serviceLevel", 97.5)).toBe(true);
  });
  it("asks for a number where one is needed, and takes none for a limit", () => {
    expect(checkEntry(field({ title: "Horizon" }), "horizon", "")).toBe("Give a number for horizon.");
    expect(checkEntry(field({}), "budgetTotal", "")).toBe(true);
  });
  it("wants whole periods", () => {
    expect(checkEntry(field({ min: 1, max: 26 }), "horizon", 2.5)).toBe("Give a whole number.");
  });
});

describe("withChange", () => {
  it("applies a proposed change, and nothing it does not know", () => {
    expect(withChange(defaultGoal, "budgetPerPeriod", 2350).budgetPerPeriod).toBe(2350);
    expect(withChange(defaultGoal, "serviceRule", 1).serviceRule).toBe("preferred");
    expect(withChange(defaultGoal, "__proto__", 1)).toBe(defaultGoal);
  });
});
