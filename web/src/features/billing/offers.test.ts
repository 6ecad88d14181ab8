import { describe, expect, it } from "vitest";
import { problemOf } from "@/lib/api/problem";
import { confirmWords, presentOffer, type Offer } from "./offers";

const offer: Offer = {
  from: "starter",
  to: "growth",
  interval: "month",
  toInterval: "",
  currency: "usd",
  dueToday: 12_345,
  creditToday: 0,
  taxToday: 0,
  atRenewal: 19_900,
  renewsAt: "2031-03-03T10:00:00Z",
  lines: [],
  expires: "2031-02-03T10:15:00Z",
  when: "now",
  excess: [],
  token: "t",
};

describe("an offer", () => {
  it("names on its button what is paid", () => {
    expect(confirmWords(offer)).toBe("Pay $123.45 and change now");
    expect(confirmWords({ ...offer, dueToday: 0 })).toBe("Change now");
    expect(confirmWords({ ...offer, when: "period_end", dueToday: 0 })).toBe("Change on 3 Mar 2031");
  });
  it("is replaced by the present one when the price has changed, and by no other refusal", () => {
    const refused = (code: string) => problemOf(409, { status: 409, title: "Conflict", detail: "It changed.", code, present: offer });
    expect(presentOffer(refused("billing.price_changed"))).toEqual(offer);
    expect(presentOffer(refused("billing.does_not_fit"))).toBeNull();
  });
});
