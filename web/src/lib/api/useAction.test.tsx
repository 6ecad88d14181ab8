import { fireEvent, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { show } from "@/testing/render";
import { api, settle } from "./client";
import { asProblem } from "./problem";
import { useAction } from "./useAction";

function Press() {
  const leave = useAction({ mutationFn: () => settle(api.DELETE("/v1/session")) });
  return (
    <>
      <button onClick={() => leave.mutate()}>Press</button>
      <p>{leave.isError ? asProblem(leave.error).code : leave.status}</p>
    </>
  );
}

describe("what a press starts", () => {
  afterEach(() => vi.restoreAllMocks());

  it("is sent once, however fast one presses", async () => {
    const sent = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(null, { status: 204 }));
    await show(<Press />);
    const button = screen.getByRole("button");
    fireEvent.click(button);
    fireEvent.click(button);
    await screen.findByText("success");
    expect(sent).toHaveBeenCalledTimes(1);
    fireEvent.click(button);
    await vi.waitFor(() => expect(sent).toHaveBeenCalledTimes(2));
  });

  it("fails at once without a connection, and is not sent when there is one again", async () => {
    const sent = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(null, { status: 204 }));
    const line = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    globalThis.dispatchEvent(new Event("offline"));
    await show(<Press />);
    fireEvent.click(screen.getByRole("button"));
    await screen.findByText("network.offline");
    line.mockReturnValue(true);
    globalThis.dispatchEvent(new Event("online"));
    await new Promise((settled) => setTimeout(settled, 0)); // whatever waited for the connection would go now
    expect(sent).not.toHaveBeenCalled();
  });
});
