import { describe, expect, it } from "vitest";
import { verdict } from "./run";

const feasible = { state: "done", status: "feasible" } as const;

describe("the verdict on a plan that is not proven to be the best", () => {
  it("calls it good only when it is near the best", () => {
    expect(verdict(feasible, 0.0123)).toEqual({ text: "Good plan: up to 1.3 % from the best", tone: "good" });
    expect(verdict(feasible, 0.05).tone).toBe("good");
  });
  it("says how far it may be from the best, rounded up", () => {
    expect(verdict(feasible, 0.312)).toEqual({ text: "Plan, not proven: up to 32 % from the best", tone: "attention" });
    expect(verdict(feasible, 0.0501).tone).toBe("attention");
  });
  it("claims nothing when the gap is not known", () => {
    expect(verdict(feasible, null)).toEqual({ text: "Plan, not proven", tone: "attention" });
  });
});
