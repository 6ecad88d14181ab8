import { describe, expect, it } from "vitest";
import { order } from "@/testing/results";
import { noFilter, select } from "./orderList";

const orders = [
  order({ sku: "SKU-10", name: "Cups", supplier: "Pack-It", period: 1, cost: 50 }),
  order({ sku: "SKU-9", name: "Beans", supplier: "Northwind", period: 0, cost: 200 }),
  order({ sku: "SKU-2", name: "Oat milk", supplier: "Northwind", period: 1, cost: 200 }),
];
const skus = (filter = noFilter, key: Parameters<typeof select>[2]["key"] = "sku", descending = false) =>
  select(orders, filter, { key, descending }).map((line) => line.order.sku);

describe("select", () => {
  it("sorts numbers inside names as numbers", () => {
    expect(skus()).toEqual(["SKU-2", "SKU-9", "SKU-10"]);
  });
  it("keeps the result's order between equals, both ways", () => {
    expect(skus(noFilter, "cost", true)).toEqual(["SKU-9", "SKU-2", "SKU-10"]);
  });
  it("filters by supplier, period and words, in name or SKU", () => {
    expect(skus({ ...noFilter, supplier: "Northwind", period: 1 })).toEqual(["SKU-2"]);
    expect(skus({ ...noFilter, words: " MILK " })).toEqual(["SKU-2"]);
    expect(skus({ ...noFilter, words: "sku-1" })).toEqual(["SKU-10"]);
  });
  it("remembers where each order is in the result", () => {
    expect(select(orders, noFilter, { key: "sku", descending: false }).map((line) => line.index)).toEqual([2, 1, 0]);
  });
});
