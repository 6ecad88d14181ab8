import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { show } from "@/testing/render";
import { hasUsage, levelOf, type Usage } from "./usage";
import { Meters } from "./UsageMeters";

const usage = (used: number, limit: number): Usage => ({
  decisions: {
    used, limit, forecast: 12, periodStart: "2026-03-10T09:00:00Z", periodEnd: "2026-04-10T09:00:00Z",
    days: [{ day: "2026-03-10", used: 2 }, { day: "2026-03-11", used: 0 }],
  },
  locations: { used: 2, limit: 1, names: ["Main street", "Harbour"] },
});

describe("usage", () => {
  it("shows each meter with its limit in words", async () => {
    await show(<Meters usage={usage(8, 10)} days />);
    expect(screen.getByRole("meter", { name: "Decisions" }).getAttribute("aria-valuetext")).toBe("8 of 10");
    expect(screen.getByText(/At this pace 12 by/)).toBeTruthy();
    expect(screen.getByText(/all stay readable/)).toBeTruthy();
    const rows = within(screen.getByRole("table", { name: "Decisions a day" })).getAllByRole("row");
    expect(rows.map((row) => row.textContent)).toEqual(["10 Mar2", "11 Mar0"]);
  });
  it("says when new decisions come once all are used", async () => {
    await show(<Meters usage={usage(10, 10)} days={false} />);
    expect(screen.getByText(/New ones come on 10 Apr/)).toBeTruthy();
  });
  it("shows no meter without a limit", async () => {
    await show(<Meters usage={usage(500, 0)} days={false} />);
    expect(screen.queryByRole("meter", { name: "Decisions" })).toBeNull();
    expect(screen.getByText("500, no limit")).toBeTruthy();
  });
  it("is worth a word from 80 per cent on", () => {
    expect([levelOf(7, 10), levelOf(8, 10), levelOf(10, 10), levelOf(99, 0)]).toEqual(["fine", "near", "full", "fine"]);
    expect(hasUsage({ access: "active", provisioning: "working" })).toBe(false);
  });
});
