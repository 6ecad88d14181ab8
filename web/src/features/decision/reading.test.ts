import { describe, expect, it } from "vitest";
import { defaultGoal } from "@/lib/api/goal";
import { isUnread, keptWords, readingOf, startReading } from "./reading";

const reading = readingOf(" next 6 weeks ", {
  template: "replenish",
  goal: { ...defaultGoal, horizon: 6 },
  understood: [{ phrase: "6 weeks", field: "horizon", value: 6, text: "6 weeks ahead" }],
  notUnderstood: [],
  confidence: 1,
});

describe("words and the numbers read from them", () => {
  it("asks for a reading of words that are new or were edited, and of no others", () => {
    expect(isUnread(startReading("", defaultGoal), "next 6 weeks")).toBe(true);
    expect(isUnread(reading, "next 8 weeks")).toBe(true);
    expect(isUnread(reading, "next 6 weeks  ")).toBe(false);
    expect(isUnread(reading, "  ")).toBe(false);
  });
  it("keeps the words while the fields they speak of are as read", () => {
    expect(keptWords(reading, "next 6 weeks", [], reading.goal)).toBe("next 6 weeks");
    expect(keptWords(reading, "next 6 weeks", ["title", "budgetTotal"], reading.goal)).toBe("next 6 weeks");
  });
  it("drops words that the fields contradict, and words never read", () => {
    expect(keptWords(reading, "next 6 weeks", ["horizon"], reading.goal)).toBe("");
    expect(keptWords(reading, "next 8 weeks", [], reading.goal)).toBe("");
  });
  it("takes the words of an earlier goal to speak of all its numbers", () => {
    const earlier = startReading("next 6 weeks", defaultGoal);
    expect(keptWords(earlier, "next 6 weeks", ["title"], defaultGoal)).toBe("next 6 weeks");
    expect(keptWords(earlier, "next 6 weeks", ["budgetTotal"], defaultGoal)).toBe("");
    expect(keptWords(earlier, "next 6 weeks", [], { ...defaultGoal, skus: ["A-1"] })).toBe("");
  });
});
