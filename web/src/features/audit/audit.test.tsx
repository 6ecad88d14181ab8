import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import * as z from "zod/mini";
import { describe, expect, it, vi } from "vitest";
import { show } from "@/testing/render";
import { beginning, mayAudit, pageShape, tidy } from "./audit";
import { AuditFilters } from "./AuditFilters";
import { CheckResult } from "./CheckResult";
import { EntryDrawer } from "./EntryDrawer";
import { EntryTable } from "./EntryTable";

const page = z.parse(pageShape, {
  entries: [
    {
      slot: 2, event: "evt_2", at: "2026-03-01T12:00:00Z", noted: "2026-03-01T13:00:00Z", actor: { person: "per_1", email: "ada@example.com", via: "ses_1", staff: "eve@dyocense.com" },
      action: "billing.plan_changed", title: "Plan changed", target: "Herons", result: "refused", before: "starter", after: "growth", data: { from: "starter", to: "growth" }, hash: "ab",
    },
    { slot: 1, event: "evt_1", at: "2026-03-01T11:00:00Z", noted: "2026-03-01T11:00:00Z", actor: null, action: "new.thing", title: "new.thing", result: "done", hash: "cd" },
  ],
  next: "",
  actions: [{ action: "billing.plan_changed", title: "Plan changed" }],
});

describe("the audit log", () => {
  it("says who did what to what, and who acted in whose name", async () => {
    await show(<EntryTable entries={page.entries} onOpen={() => undefined} />);
    const rows = within(screen.getByRole("table", { name: "Audit log" })).getAllByRole("row");
    expect(rows[1]?.textContent).toContain("eve@dyocense.com for ada@example.com");
    expect(rows[1]?.textContent).toContain("refused");
    expect(rows[2]?.textContent).toContain("The product");
    expect(rows[2]?.textContent).toContain("new.thing");
  });
  it("shows before and after of an entry, and that it arrived late", async () => {
    await show(<EntryDrawer entry={page.entries[0] ?? null} onClose={() => undefined} />);
    const drawer = await screen.findByRole("dialog", { name: "Plan changed" });
    expect(drawer.textContent).toContain("Before");
    expect(drawer.textContent).toContain("growth");
    expect(drawer.textContent).toContain("Noted");
  });
  it("keeps its filters in the address", async () => {
    const changed = vi.fn();
    await show(<AuditFilters filter={{ from: "2026-03-01" }} actions={page.actions} onChange={changed} />);
    await userEvent.selectOptions(screen.getByLabelText("What"), "Plan changed");
    expect(changed).toHaveBeenLastCalledWith({ from: "2026-03-01", action: "billing.plan_changed" });
    await userEvent.type(screen.getByLabelText("Who"), "ada@example.com{Enter}");
    expect(changed).toHaveBeenLastCalledWith({ from: "2026-03-01", actor: "ada@example.com" });
    await userEvent.click(screen.getByRole("button", { name: "Clear" }));
    expect(changed).toHaveBeenLastCalledWith({});
  });
  it("takes days as the reader means them, and nothing for what is no day", () => {
    expect(beginning("2026-03-01", 1)).toBe(new Date(2026, 2, 2).toISOString());
    expect(beginning("soon")).toBeUndefined();
    expect(tidy({ actor: "", action: "a.b" })).toEqual({ action: "a.b" });
    expect(mayAudit("auditor")).toBe(true);
    expect(mayAudit("analyst")).toBe(false);
  });
  it("tells which entry is wrong", async () => {
    await show(<CheckResult check={{ ok: false, entries: 6, hash: "ab", vouched: 0, slot: 7, why: "it was altered", keys: [] }} />);
    expect(screen.getByRole("status").textContent).toContain("Entry 7 is not as it was written");
  });
});
