import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { show } from "@/testing/render";
import { KeysPanel } from "./KeysPanel";

const key = {
  id: "key_1",
  name: "Nightly export",
  end: "x9Qz",
  email: "ada@example.com",
  scopes: ["data:read"],
  networks: [],
  made: "2026-11-01T10:00:00Z",
  expires: "2027-01-30T10:00:00Z",
  used: "2026-11-20T09:00:00Z",
  state: "live",
};

interface House {
  keys?: unknown[];
  api?: boolean;
  manage?: boolean;
}

// Shows the panel of a house and gives the requests that change something.
async function open({ keys = [key], api = true, manage = true }: House) {
  const sent: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = input as Request;
    const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
    if (request.method === "GET") {
      return json({ keys, api, manage, grantable: ["data:read", "data:write"], days: 90, maxDays: 365, live: 20 });
    }
    sent.push(`${request.method} ${new URL(request.url).pathname} ${await request.clone().text()}`.trim());
    return request.method === "DELETE" ? new Response(null, { status: 204 }) : json({ key, text: "dyo_test_secret" }, 201);
  });
  await show(<KeysPanel />);
  await screen.findByRole("heading", { name: "API keys" });
  return sent;
}

describe("the keys of a company", () => {
  it("are made with scopes and shown once", async () => {
    const sent = await open({ keys: [] });
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: "New key" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.click(dialog.getByRole("button", { name: "Make the key" }));
    expect(dialog.getByText("Give the key a name.")).toBeTruthy();
    expect(dialog.getByRole("alert").textContent).toBe("Choose at least one.");
    expect(sent).toEqual([]);
    await user.type(dialog.getByRole("textbox", { name: /Name/ }), "Nightly export");
    await user.click(dialog.getByRole("checkbox", { name: "data: read" }));
    await user.click(dialog.getByRole("button", { name: "Make the key" }));
    expect(await screen.findByText("dyo_test_secret")).toBeTruthy();
    expect(sent).toEqual(['POST /v1/keys {"name":"Nightly export","scopes":["data:read"],"days":90,"networks":[]}']);
    await user.click(screen.getByRole("button", { name: "I have it" }));
    await waitFor(() => expect(screen.queryByText("dyo_test_secret")).toBeNull());
  });
  it("are revoked after a question only", async () => {
    const sent = await open({});
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: "Revoke Nightly export …x9Qz" }));
    expect(sent).toEqual([]);
    await user.click(await screen.findByRole("button", { name: "Revoke the key" }));
    await waitFor(() => expect(sent).toEqual(["DELETE /v1/keys/key_1"]));
  });
  it("can only be looked at by who may not manage them", async () => {
    await open({ manage: false });
    expect(screen.getByText("Nightly export")).toBeTruthy();
    expect(screen.queryByRole("button")).toBeNull();
  });
  it("cannot be made without the API in the plan, and the way out is shown", async () => {
    await open({ api: false });
    expect(screen.queryByRole("button", { name: "New key" })).toBeNull();
    expect(screen.getByRole("link", { name: "See the plans" }).getAttribute("href")).toBe("/plans");
    expect(screen.getByRole("button", { name: /^Revoke/ })).toBeTruthy();
  });
});
