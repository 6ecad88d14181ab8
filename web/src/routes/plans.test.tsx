import { screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { copying, type SentMove } from "@/testing/moves";
import { show } from "@/testing/render";
import { PlansPage } from "./plans";

const plans = [
  { id: "growth", name: "Growth", monthlyCents: 14_900, yearlyCents: 149_000, currency: "usd", mode: "smb", selfServe: true },
  { id: "enterprise", name: "Enterprise", monthlyCents: 199_900, yearlyCents: 0, currency: "usd", mode: "platform", from: true },
];

interface Who {
  plan: string | null;
  role?: string;
  move?: SentMove;
}

// Shows the plans to somebody and gives what each of the two columns offers.
async function offers({ plan, role = "owner", move }: Who) {
  const session = {
    person: { id: "per_1", email: "ada@example.com" },
    role,
    plan: plan === null ? null : { id: plan, name: plan },
    access: plan === null ? "none" : "active",
    provisioning: "ready",
    features: { mode: "smb", flags: {} },
  };
  const permissions = [
    { resource: "moves", action: "manage", roles: ["owner", "admin", "operator"] },
    { resource: "billing", action: "manage", roles: ["owner", "admin", "billing"] },
  ];
  const answers: Record<string, unknown> = { "/v1/session": session, "/v1/permissions": { permissions, roles: [] }, "/v1/plans": { plans }, "/v1/moves": { moves: move ? [move] : [] } };
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => {
    const body = JSON.stringify(answers[new URL((input as Request).url).pathname]);
    return Promise.resolve(new Response(body, { status: 200, headers: { "Content-Type": "application/json" } }));
  });
  await show(<PlansPage />);
  await screen.findByRole("heading", { name: "Growth" });
  if (move !== undefined) await screen.findByRole("link", { name: "See the move" });
  else if (plan !== null && ["owner", "admin"].includes(role)) await screen.findAllByRole("link", { name: /^(Upgrade|Change)/ });
  return screen
    .getAllByRole("listitem")
    .map((column) => [...column.querySelectorAll("a, button")].map((each) => [each.textContent, each.getAttribute("href")]))
    .flat();
}

describe("the way from plan to plan", () => {
  it("is an upgrade for the owner of a paying company", async () => {
    expect(await offers({ plan: "growth" })).toEqual([
      ["Your plan", null],
      ["Upgrade to Enterprise", "/upgrade?plan=enterprise"],
    ]);
  });
  it("is a change of plan for the owner of a company in its own environment", async () => {
    expect(await offers({ plan: "enterprise" })).toEqual([
      ["Change to Growth", "/upgrade?plan=growth"],
      ["Change plan", "/upgrade?plan=growth"],
    ]);
  });
  it("leads to the move while there is one", async () => {
    expect((await offers({ plan: "growth", move: copying() })).at(-1)).toEqual(["See the move", "/upgrade"]);
  });
  it("is closed to who may not both move and pay", async () => {
    const talk = ["Talk to us", "mailto:sales@dyocense.com?subject=Dyocense%20Enterprise"];
    for (const role of ["analyst", "billing", "operator"]) expect((await offers({ plan: "growth", role })).at(-1)).toEqual(talk);
  });
  it("starts with a purchase for a company that pays nothing yet", async () => {
    expect((await offers({ plan: null })).map(([name]) => name)).toEqual(["Choose Growth", "Talk to us"]);
  });
});
