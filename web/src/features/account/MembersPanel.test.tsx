import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { show } from "@/testing/render";
import { MembersPanel } from "./MembersPanel";

const ada = { person: "per_1", email: "ada@example.com", role: "owner", joined: "2026-01-01T00:00:00Z", you: true };
const bo = {
  person: "per_2",
  email: "bo@example.com",
  role: "analyst",
  joined: "2026-01-02T00:00:00Z",
  roles: ["owner", "analyst", "viewer"],
  remove: true,
  readOnly: true,
  giveSeat: true,
};

function answer(seats: { used: number; limit: number; plan: string }) {
  const answers: Record<string, unknown> = {
    "/v1/members": { members: [ada, bo], seats },
    "/v1/permissions": { permissions: [], roles: [{ role: "owner", name: "Owner" }, { role: "analyst", name: "Analyst" }, { role: "viewer", name: "Viewer" }] },
  };
  return vi.spyOn(globalThis, "fetch").mockImplementation((input) => {
    const request = input as Request;
    const body = request.method === "GET" ? JSON.stringify(answers[new URL(request.url).pathname] ?? null) : null;
    return Promise.resolve(new Response(body, { status: body === null ? 204 : 200, headers: { "Content-Type": "application/json" } }));
  });
}

function sent(fetched: ReturnType<typeof answer>) {
  return fetched.mock.calls.map(([input]) => input as Request).filter((request) => request.method !== "GET");
}

describe("the members", () => {
  it("offers what the product says can be done, and no more", async () => {
    answer({ used: 2, limit: 1, plan: "Starter" });
    await show(<MembersPanel />);
    const rows = await screen.findAllByRole("listitem");
    expect(rows.map((row) => within(row).queryAllByRole("button").map((each) => each.textContent))).toEqual([[], ["Give a seat", "Remove"]]);
    expect(screen.getByText("2 of 1 seat taken")).toBeTruthy();
    expect(screen.getByText("No seat, reads only")).toBeTruthy();
  });
  it("asks before somebody is removed or made an owner", async () => {
    const fetched = answer({ used: 2, limit: 3, plan: "Starter" });
    const user = userEvent.setup();
    await show(<MembersPanel />);
    await user.selectOptions(await screen.findByLabelText("Role of bo@example.com"), "owner");
    expect(sent(fetched)).toEqual([]);
    await user.click(await screen.findByRole("button", { name: "Not now" }));
    await user.click(screen.getByRole("button", { name: "Remove bo@example.com" }));
    expect(sent(fetched)).toEqual([]);
    await user.click(await screen.findByRole("button", { name: "Remove" }));
    await vi.waitFor(() => expect(sent(fetched).map((one) => `${one.method} ${new URL(one.url).pathname}`)).toEqual(["DELETE /v1/members/per_2"]));
  });
});
