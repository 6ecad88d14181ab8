import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render, screen, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { buildRouter } from "@/app/router";
import { UiProvider } from "@/ui/UiProvider";

const growth = {
  id: "growth",
  name: "Growth",
  monthlyCents: 19_900,
  yearlyCents: 199_000,
  currency: "usd",
  locations: 3,
  decisions: 50,
  seats: 10,
  api: true,
  mode: "smb",
  support: "Priority",
  from: false,
  selfServe: true,
};

const paid = {
  plan: growth,
  interval: "month",
  status: "active",
  currentPeriodEnd: "2031-03-03T10:00:00Z",
  access: "active",
  method: { brand: "visa", last4: "4242", expMonth: 3, expYear: 2034 },
};

// Shows the page to somebody with what the product answers.
async function open(billing: object, role = "owner") {
  const session = {
    person: { id: "per_1", email: "ada@example.com" },
    tenant: { id: "ten_1", name: "Herons Ltd" },
    role,
    plan: { id: "growth", name: "Growth" },
    access: "active",
    provisioning: "ready",
    features: { mode: "smb", flags: {} },
  };
  const answers: Record<string, unknown> = {
    "/v1/session": session,
    "/v1/plans": { plans: [growth, { ...growth, id: "business", name: "Business" }] },
    "/v1/billing": billing,
    "/v1/permissions": { permissions: [{ resource: "billing", action: "manage", roles: ["owner", "admin"] }], roles: [] },
    "/v1/billing/invoices": { invoices: [], next: "" },
    "/v1/billing/payer": { name: "Herons Ltd", email: "ada@example.com", address: {}, taxIds: [] },
    "/v1/moves": { moves: [] },
  };
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => {
    const body = JSON.stringify(answers[new URL((input as Request).url).pathname] ?? {});
    return Promise.resolve(new Response(body, { status: 200, headers: { "Content-Type": "application/json" } }));
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = buildRouter(client);
  router.update({ ...router.options, context: { queryClient: client }, history: createMemoryHistory({ initialEntries: ["/settings/plan"] }) });
  render(
    <UiProvider>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </UiProvider>,
  );
  return within(await screen.findByRole("region", { name: "Your plan" }, { timeout: 5000 }));
}

describe("plan and usage", () => {
  it("says what is paid, when next and with which card", async () => {
    const plan = await open(paid);
    expect(await plan.findByText("Visa ending in 4242, good until 03/34")).toBeTruthy();
    expect(plan.getByText("$199 USD a month")).toBeTruthy();
    expect(plan.getByText("3 Mar 2031")).toBeTruthy();
    expect(await screen.findByRole("button", { name: "End the subscription" })).toBeTruthy();
    expect(await screen.findByText(/No invoice yet/)).toBeTruthy();
  });
  it("shows a viewer the plan and nothing to press", async () => {
    const plan = await open(paid, "viewer");
    expect(plan.queryByRole("button")).toBeNull();
    expect(screen.queryByRole("region", { name: "Invoices" })).toBeNull();
    expect(screen.queryByRole("button", { name: "End the subscription" })).toBeNull();
  });
  it("leads to another card while an invoice is unpaid", async () => {
    await open({
      ...paid,
      status: "past_due",
      access: "past_due",
      unpaid: { since: "2031-02-01T10:00:00Z", until: "2031-02-15T10:00:00Z", invoice: "in_1" },
    });
    expect(await screen.findByText(/Everything works until 15 Feb 2031/)).toBeTruthy();
    expect(await screen.findByRole("button", { name: "Use another card" })).toBeTruthy();
  });
  it("shows a change that waits for its payment, and the way to pay or drop it", async () => {
    const plan = await open({ ...paid, pending: { plan: "business", interval: "month", expires: "2031-02-02T10:00:00Z", invoice: "in_1" } });
    expect(await screen.findByRole("region", { name: "Your change to Business waits for its payment" })).toBeTruthy();
    expect(await screen.findByRole("button", { name: "Pay or confirm it" })).toBeTruthy();
    expect(await plan.findByRole("button", { name: "Take the change back" })).toBeTruthy();
  });
});
