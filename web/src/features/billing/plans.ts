import { queryOptions, type QueryClient } from "@tanstack/react-query";
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

const listShape = z.object({ plans: list(planShape), trialDays: count });

export const plansQuery = queryOptions({
  queryKey: ["plans"],
  queryFn: async ({ signal }) => (await ask(listShape, api.GET("/v1/plans", { signal }))).plans,
  staleTime: 5 * 60_000,
});

const changeShape = { plan: text, interval: text };

const billingShape = z.object({
  plan: maybe(planShape),
  interval: text,
  status: text,
  currentPeriodEnd: text,
  access: text,
  /** Days a first purchase may begin with for nothing; 0 when there are none for this company. */
  trialDays: count,
  trialEnd: text,
  trialRefused: text,
  cancelAtPeriodEnd: flag,
  pending: maybe(z.object({ ...changeShape, expires: text, invoice: text })),
  scheduled: maybe(z.object({ ...changeShape, at: text })),
  method: maybe(z.object({ brand: text, last4: text, expMonth: count, expYear: count })),
  unpaid: maybe(z.object({ since: text, until: text, invoice: text })),
  disputed: flag,
});

/** What the company has bought, and what is under way. */
export type Billing = z.output<typeof billingShape>;

export const billingQuery = queryOptions({
  queryKey: ["billing"],
  queryFn: ({ signal }) => ask(billingShape, api.GET("/v1/billing", { signal })),
});

/** The same, as the payment service has it now: for who comes back from its pages. */
export function refreshBilling(): Promise<Billing> {
  return ask(billingShape, api.POST("/v1/billing/refresh"));
}

/** Carries an offer out, exactly as it was shown. */
export function acceptOffer(token: string): Promise<Billing> {
  return ask(billingShape, api.POST("/v1/billing/change", { body: { token } }));
}

/** Takes back a change that is planned or waits for its payment. */
export function withdrawChange(): Promise<Billing> {
  return ask(billingShape, api.DELETE("/v1/billing/change"));
}

export type When = "now" | "period_end";

/** Ends the subscription. */
export function cancelSubscription(when: When, reason: string): Promise<Billing> {
  return ask(billingShape, api.POST("/v1/billing/cancel", { body: { when, ...(reason === "" ? {} : { reason }) } }));
}

/** Takes the ending back. */
export function resumeSubscription(): Promise<Billing> {
  return ask(billingShape, api.POST("/v1/billing/resume"));
}

/** Ends the trial; the first period is paid now. */
export function endTrial(): Promise<Billing> {
  return ask(billingShape, api.POST("/v1/billing/trial/end"));
}

/** Starts a purchase and gives the address of the hosted page to pay on. */
export async function startCheckout(plan: string, interval: Interval, trial: boolean): Promise<string> {
  const answer = await ask(
    z.object({ url: z.string() }),
    api.POST("/v1/billing/checkout", { body: { plan, interval, trial } }),
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

const names: Record<string, string> = { starter: "Starter", growth: "Growth", business: "Business", enterprise: "Enterprise" };

/** What a plan is called. */
export function planName(plan: string): string {
  return names[plan] ?? plan;
}

/** Shows what was answered, and lets everything that follows from it be read again. */
export function keepBilling(queryClient: QueryClient, news: Billing) {
  queryClient.setQueryData(billingQuery.queryKey, news);
  void queryClient.invalidateQueries({ queryKey: ["billing", "invoices"] });
  void queryClient.invalidateQueries({ queryKey: ["session"] });
}
