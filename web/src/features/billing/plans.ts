import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { count, flag, list, maybe, text } from "@/lib/api/shape";

const planShape = z.object({
  id: z.string(),
  name: z.string(),
  monthlyCents: z.number(),
  yearlyCents: z.number(),
  currency: text,
  locations: count,
  decisions: count,
  seats: count,
  api: flag,
  mode: text,
  support: text,
  from: flag,
  selfServe: flag,
});

/** One tier of the price list. Limits of 0 are unlimited. */
export type Plan = z.output<typeof planShape>;
export type Interval = "month" | "year";

export const plansQuery = queryOptions({
  queryKey: ["plans"],
  queryFn: async ({ signal }) => (await ask(z.object({ plans: list(planShape) }), api.GET("/v1/plans", { signal }))).plans,
  staleTime: 5 * 60_000,
});

const billingShape = z.object({
  plan: maybe(z.object({ id: z.string(), name: z.string() })),
  interval: text,
  status: text,
  currentPeriodEnd: text,
  access: text,
});

export const billingQuery = queryOptions({
  queryKey: ["billing"],
  queryFn: ({ signal }) => ask(billingShape, api.GET("/v1/billing", { signal })),
});

/** Starts a purchase and gives the address of the hosted page to pay on. */
export async function startCheckout(plan: string, interval: Interval): Promise<string> {
  const answer = await ask(
    z.object({ url: z.string() }),
    api.POST("/v1/billing/checkout", { body: { plan, interval } }),
  );
  return answer.url;
}

/** What a month costs in cents, when paid by the interval. */
export function perMonth(plan: Plan, interval: Interval): number {
  return interval === "month" ? plan.monthlyCents : Math.round(plan.yearlyCents / 12);
}

/** How much cheaper a year is than twelve months, as a share; 0 when it is not. */
export function yearlySaving(plans: Plan[]): number {
  const shares = plans
    .filter((plan) => plan.monthlyCents > 0 && plan.yearlyCents > 0)
    .map((plan) => 1 - plan.yearlyCents / (plan.monthlyCents * 12));
  return shares.length === 0 ? 0 : Math.max(0, Math.min(...shares));
}
