import { describe, expect, it } from "vitest";
import { originOf, stretches } from "./origin";
import type { Fact, Sentence } from "./result";

const fact = (text: string, path = "/plan/total"): Fact => ({ path, text, value: 0, unit: "" });
const cut = (text: string, ...facts: Fact[]) => {
  const sentence: Sentence = { topic: "cost", text, facts };
  return stretches(sentence).map((stretch) => (stretch.fact === null ? stretch.text : `[${stretch.text}]`));
};

describe("stretches", () => {
  it("makes every fact its own stretch", () => {
    expect(cut("It costs $41,230 over 8 weeks.", fact("$41,230"), fact("8"))).toEqual([
      "It costs ",
      "[$41,230]",
      " over ",
      "[8]",
      " weeks.",
    ]);
  });
  it("does not find a number inside a longer one", () => {
    expect(cut("Order 120 pcs and 12 kg.", fact("12"))).toEqual(["Order 120 pcs and ", "[12]", " kg."]);
    expect(cut("Between 1.5 and 5 weeks.", fact("5"))).toEqual(["Between 1.5 and ", "[5]", " weeks."]);
  });
  it("takes equal numbers one after the other", () => {
    expect(cut("$6,000 of $6,000.", fact("$6,000", "/budget/3/used"), fact("$6,000", "/budget/3/limit"))).toEqual([
      "[$6,000]",
      " of ",
      "[$6,000]",
      ".",
    ]);
  });
  it("finds facts given in another order than the text's", () => {
    expect(cut("First 3, then 7.", fact("7"), fact("3"))).toEqual(["First ", "[3]", ", then ", "[7]", "."]);
  });
  it("leaves a fact out that the text does not hold", () => {
    expect(cut("No number here.", fact("99"))).toEqual(["No number here."]);
  });
});

describe("originOf", () => {
  it.each([
    ["/plan/total", { part: "costs", path: "/plan/total" }],
    ["/orders/4/quantity", { part: "order", index: 4 }],
    ["/orders", { part: "orders" }],
    ["/items/2/stock/5", { part: "item", index: 2 }],
    ["/budget/1/used", { part: "budget", path: "/budget/1/used" }],
    ["/solver/gap", { part: "evidence", path: "/solver/gap" }],
  ])("leads %s to its part of the page", (path, origin) => {
    expect(originOf(path)).toEqual(origin);
  });
});
