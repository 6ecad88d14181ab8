import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { show } from "@/testing/render";
import { DiagnosisPanel } from "./DiagnosisPanel";

describe("a diagnosis", () => {
  it("offers each change with a link that fills it in", async () => {
    await show(
      <DiagnosisPanel
        goalId="goal_1"
        diagnosis={{
          summary: "The budget is too small.",
          conflicts: [{ rule: "budget", text: "Spend at most $900 a week." }],
          changes: [
            { rule: "budget", field: "budgetPerPeriod", from: 900, to: 2350, unit: "USD", text: "Raise it.", verified: true },
          ],
        }}
      />,
    );
    const link = screen.getByRole("link", { name: "Apply this change" });
    const address = new URL(link.getAttribute("href") ?? "", "http://localhost");
    expect(address.pathname).toBe("/goal");
    expect(Object.fromEntries(address.searchParams)).toEqual({ from: "goal_1", field: "budgetPerPeriod", value: "2350" });
    expect(screen.getByText("tried: a plan exists")).toBeTruthy();
  });
});
