import { describe, expect, it } from "vitest";
import { bytes, cents, day, duration, money, moment, nothing, number, percent, plural, price, quantity } from "./format";

describe("money", () => {
  it("shows sums without and prices with cents", () => {
    expect(money(1240.4, "GBP")).toBe("£1,240");
    expect(price(12.4, "EUR")).toBe("€12.40");
  });
  it("shows the bare number when the currency is unknown or no code", () => {
    expect(money(1240, "")).toBe("1,240");
    expect(money(1240, "coins")).toBe("1,240");
  });
  it("shows price lists with cents only where there are some", () => {
    expect(cents(4900, "USD")).toBe("$49");
    expect(cents(4083, "USD")).toBe("$40.83");
  });
  it("never shows a minus before nothing", () => {
    expect(money(-0, "USD")).toBe("$0");
    expect(number(-1e-12)).toBe("0");
  });
});

describe("durations", () => {
  it.each([
    [0.4, "0 ms"],
    [840, "840 ms"],
    [3210, "3.2 s"],
    [120_000, "2 min"],
    [125_300, "2 min 5 s"],
  ])("shows %d ms as %s", (millis, shown) => {
    expect(duration(millis)).toBe(shown);
  });
});

describe("dates", () => {
  const now = new Date(2026, 5, 1);
  it("leaves this year out and others in", () => {
    expect(day("2026-03-03", now)).toBe("3 Mar");
    expect(day("2024-03-03", now)).toBe("3 Mar 2024");
  });
  it("keeps a calendar day on its day in every time zone", () => {
    expect(day("2026-03-03T00:00:00Z", now)).toBe("3 Mar");
  });
  it("shows a dash for what is no date, and for Go's zero time", () => {
    expect(day("", now)).toBe(nothing);
    expect(moment("0001-01-01T00:00:00Z", now)).toBe(nothing);
  });
});

describe("quantities", () => {
  it("puts the unit beside the number", () => {
    expect(quantity(1240, "pcs")).toBe("1,240 pcs");
    expect(quantity(2.25, "kg")).toBe("2.3 kg");
    expect(quantity(7, "")).toBe("7");
  });
  it("counts in words that fit", () => {
    expect(plural(1, "item")).toBe("1 item");
    expect(plural(1200, "item")).toBe("1,200 items");
  });
  it("shows shares and sizes", () => {
    expect(percent(0.9534)).toBe("95.3 %");
    expect(bytes(20 * 1024 * 1024)).toBe("20 MB");
    expect(bytes(512)).toBe("512 bytes");
  });
});
