import { describe, expect, it } from "vitest";
import { detour, type Session } from "./session";

function session(parts: Partial<Session>): Session {
  return {
    person: { id: "per_1", email: "ana@example.com" },
    tenant: { id: "ten_1", name: "Kestrel" },
    role: "owner",
    plan: null,
    access: "none",
    provisioning: "none",
    features: { mode: "smb", flags: {} },
    restriction: null,
    sandbox: true,
    outbox: true,
    ...parts,
  };
}

describe("detour", () => {
  it("sends a stranger to sign in, and lets them sign up", () => {
    expect(detour(null, "work")).toBe("/signin");
    expect(detour(null, "account")).toBe("/signin");
    expect(detour(null, "visitor")).toBeNull();
  });
  it("asks for a plan before anything else", () => {
    expect(detour(session({}), "work")).toBe("/plans");
    expect(detour(session({ access: "canceled", provisioning: "ready" }), "work")).toBe("/plans");
    expect(detour(session({}), "account")).toBeNull();
  });
  it("shows the environment being made until it is ready", () => {
    expect(detour(session({ access: "active", provisioning: "working" }), "work")).toBe("/welcome");
    expect(detour(session({ access: "active", provisioning: "failed" }), "work")).toBe("/welcome");
    expect(detour(session({ access: "active", provisioning: "working" }), "setup")).toBeNull();
  });
  it("opens everything to a company at work, a late payment included", () => {
    expect(detour(session({ access: "active", provisioning: "ready" }), "work")).toBeNull();
    expect(detour(session({ access: "past_due", provisioning: "ready" }), "work")).toBeNull();
    expect(detour(session({ access: "active", provisioning: "ready" }), "visitor")).toBe("/home");
  });
});
