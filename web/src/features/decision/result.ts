import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { looseGoalShape } from "@/lib/api/goal";
import { count, flag, list, maybe, text } from "@/lib/api/shape";
import { resultKey } from "./run";

const numbers = list(z.number());

const orderShape = z.object({
  sku: z.string(),
  name: text,
  supplier: text,
  unit: text,
  period: z.number(),
  orderDate: text,
  arrives: text,
  quantity: z.number(),
  packs: count,
  unitCost: count,
  cost: count,
  why: text,
});

const itemShape = z.object({
  sku: z.string(),
  name: text,
  unit: text,
  supplier: text,
  onHand: count,
  leadPeriods: count,
  leadTimeDays: count,
  safetyStock: numbers,
  history: numbers,
  forecast: numbers,
  forecastLow: numbers,
  forecastHigh: numbers,
  method: text,
  methodNote: text,
  arrivals: numbers,
  ordered: numbers,
  stock: numbers,
  stockLow: numbers,
  stockHigh: numbers,
  shortage: numbers,
});

const costsShape = z.object({
  purchase: count,
  stockChange: count,
  ordering: count,
  holding: count,
  shortage: count,
  total: count,
  fillRate: count,
  unitsShort: count,
  endStock: count,
  orders: count,
  overBudget: count,
  overCapacity: count,
});

const useShape = z.object({ period: z.number(), used: count, limit: count });
const factShape = z.object({ path: text, value: count, unit: text, text });

const changeShape = z.object({
  rule: text,
  field: text,
  from: count,
  to: count,
  unit: text,
  text,
  verified: flag,
});

export const resultShape = z.object({
  status: text,
  headline: text,
  currency: text,
  periods: list(z.object({ index: z.number(), start: text, end: text, label: text })),
  orders: list(orderShape),
  items: list(itemShape),
  budget: list(useShape),
  storage: list(useShape),
  plan: maybe(costsShape),
  doNothing: maybe(costsShape),
  reorderPoint: maybe(costsShape),
  explanation: z.object({
    summary: text,
    sentences: list(z.object({ topic: text, text, facts: list(factShape) })),
  }),
  diagnosis: maybe(
    z.object({
      summary: text,
      conflicts: list(z.object({ rule: text, text })),
      changes: list(changeShape),
    }),
  ),
  solver: z.object({
    engine: text,
    engineVersion: text,
    objective: maybe(z.number()),
    bound: maybe(z.number()),
    gap: maybe(z.number()),
    seconds: count,
    nodes: count,
    stopped: text,
    columns: count,
    integers: count,
    rows: count,
    nonZeros: count,
    detail: text,
  }),
  check: z.object({
    passed: flag,
    constraints: count,
    tolerance: count,
    maxViolation: count,
    objective: count,
    failures: list(z.string()),
  }),
  evidence: z.object({
    dataHash: text,
    goalHash: text,
    modelHash: text,
    seed: count,
    program: text,
    goal: maybe(looseGoalShape),
    startedAt: text,
    finishedAt: text,
    stages: list(z.object({ stage: text, seconds: count })),
    items: count,
    historyPeriods: count,
  }),
});

/** One decision, whole. Money is in `currency`, slices of an item have one value a period. */
export type Result = z.output<typeof resultShape>;
export type Order = Result["orders"][number];
export type ItemPlan = Result["items"][number];
export type Costs = z.output<typeof costsShape>;
export type Use = z.output<typeof useShape>;
export type Change = z.output<typeof changeShape>;
export type Sentence = Result["explanation"]["sentences"][number];
export type Fact = z.output<typeof factShape>;

export const resultQuery = (run: string) =>
  queryOptions({
    queryKey: resultKey(run),
    queryFn: ({ signal }) =>
      ask(resultShape, api.GET("/v1/runs/{id}/result", { params: { path: { id: run } }, signal })),
    staleTime: Infinity,
  });

/** The period's short name, or its number when it has none. */
export function periodLabel(result: Result, index: number): string {
  return result.periods[index]?.label || `period ${index + 1}`;
}
