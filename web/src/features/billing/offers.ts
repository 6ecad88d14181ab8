import * as z from "zod/mini";
import { api, ask, readAs } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import { count, list, text } from "@/lib/api/shape";
import { cents, day } from "@/lib/format";
import type { Interval } from "./plans";

const offerShape = z.object({
  from: text,
  to: text,
  interval: text,
  toInterval: text,
  currency: text,
  dueToday: count,
  creditToday: count,
  taxToday: count,
  atRenewal: count,
  renewsAt: text,
  lines: list(z.object({ text, cents: count })),
  expires: text,
  when: z.enum(["now", "period_end"]),
  excess: list(z.object({ what: text, have: count, allowed: count, wayOut: text })),
  token: z.string(),
});

/** A change of plan with its price, and the token that confirms exactly this. */
export type Offer = z.output<typeof offerShape>;

export function askOffer(plan: string, interval: Interval): Promise<Offer> {
  return ask(offerShape, api.POST("/v1/billing/offers", { body: { plan, interval } }));
}

/** The offer that there is now, when the one that was confirmed no longer holds; else null. */
export function presentOffer(error: unknown): Offer | null {
  const problem = asProblem(error);
  if (problem.code !== "billing.price_changed" || problem.present === undefined) return null;
  return readAs(offerShape, problem.present);
}

/** What the button that confirms an offer says. */
export function confirmWords(offer: Offer): string {
  const currency = offer.currency.toUpperCase();
  if (offer.when === "period_end") return `Change on ${day(offer.renewsAt)}`;
  if (offer.dueToday > 0) return `Pay ${cents(offer.dueToday, currency)} and change now`;
  return "Change now";
}
