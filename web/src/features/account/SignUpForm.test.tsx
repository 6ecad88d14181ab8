import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { show } from "@/testing/render";
import { SignUpForm } from "./SignUpForm";

describe("signing up", () => {
  it("says what is missing at the field, and sends nothing", async () => {
    const fetched = vi.spyOn(globalThis, "fetch");
    const user = userEvent.setup();
    await show(<SignUpForm onSent={() => undefined} />);
    await user.type(screen.getByLabelText("E-mail"), "not an address");
    await user.click(screen.getByRole("button", { name: "Create account" }));
    expect(await screen.findByText("Give an e-mail address, like ana@example.com.")).toBeTruthy();
    expect(screen.getByText("Use 15 characters or more; a few words are good.")).toBeTruthy();
    expect(fetched).not.toHaveBeenCalled();
  });
});
