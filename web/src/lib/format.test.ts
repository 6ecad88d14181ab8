import { describe, expect, it } from "vitest";
import {
  bytes,
  cents,
  clock,
  day,
  duration,
  money,
  moment,
  nothing,
  number,
  percent,
  plural,
  price,
  quantity,
  roughly,
} from "./format";

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
    [3_599_800, "60 min"],
    [3_600_000, "1 h"],
    [12_000_000, "3 h 20 min"],
    [86_400_000, "1 d"],
    [532_800_000, "6 d 4 h"],
  ])("shows %d ms as %s", (millis, shown) => {
    expect(duration(millis)).toBe(shown);
  });
});

describe("estimates", () => {
  it.each([
    [0, "a few seconds"],
    [31, "about 35 s"],
    [57, "about 60 s"],
    [59, "about 1 min"],
    [250, "about 4 min"],
    [5_400, "about 1.5 h"],
  ])("shows %d s as %s", (seconds, shown) => {
    expect(roughly(seconds)).toBe(shown);
  });
});

describe("dates", () => {
  const now = new Date(2026, 5, 1);
  it("shows the line of a log to the second, with the day when it is another", () => {
    expect(clock(new Date(2026, 5, 1, 14, 5, 9).toISOString(), now)).toBe("14:05:09");
    expect(clock(new Date(2026, 4, 31, 14, 5, 9).toISOString(), now)).toBe("31 May, 14:05:09");
    expect(clock("", now)).toBe(nothing);
  });
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
    expect(bytes(1.5 * 1024 ** 3)).toBe("1.5 GB");
  });
});
