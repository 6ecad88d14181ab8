import * as z from "zod/mini";
import { resultShape, type Order, type Result } from "@/features/decision/result";

/** An order with the parts a test cares about. */
export function order(parts: Partial<Order>): Order {
  return {
    sku: "SKU-1",
    name: "Beans",
    supplier: "Northwind",
    unit: "kg",
    period: 0,
    orderDate: "2026-03-02",
    arrives: "2026-03-09",
    quantity: 12,
    packs: 2,
    unitCost: 4.5,
    cost: 69,
    why: "Stock would fall below the safety stock.",
    ...parts,
  };
}

/** A result as the product sends it with nothing but what the contract requires. */
export function bareResult(parts: Record<string, unknown> = {}): Result {
  return z.parse(resultShape, {
    status: "optimal",
    headline: "Order twice.",
    currency: "EUR",
    periods: null,
    orders: null,
    items: null,
    explanation: { summary: "", sentences: null },
    solver: { engine: "highs", engineVersion: "1", seconds: 1 },
    check: { passed: true },
    evidence: {},
    ...parts,
  });
}
