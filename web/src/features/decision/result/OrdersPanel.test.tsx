import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import { show } from "@/testing/render";
import { bareResult, order } from "@/testing/results";
import type { Result } from "../result";
import { noFilter } from "./orderList";
import { OrdersPanel } from "./OrdersPanel";

function Panel({ result, onShowItem = () => undefined }: { result: Result; onShowItem?: (index: number) => void }) {
  const [filter, setFilter] = useState(noFilter);
  return <OrdersPanel result={result} filter={filter} onFilter={setFilter} onShowItem={onShowItem} />;
}

const result = bareResult({
  periods: [
    { index: 0, start: "2026-03-02", end: "2026-03-08", label: "week of 2 Mar" },
    { index: 1, start: "2026-03-09", end: "2026-03-15", label: "week of 9 Mar" },
  ],
  items: [{ sku: "SKU-1" }, { sku: "SKU-2" }],
  orders: [
    order({ sku: "SKU-1", name: "Beans", cost: 100 }),
    order({ sku: "SKU-2", name: "Oat milk", supplier: "Alder", period: 1, cost: 40 }),
  ],
});

describe("the orders", () => {
  it("are listed with reason and total", async () => {
    await show(<Panel result={result} />);
    const table = screen.getByRole("table", { name: "Orders" });
    expect(within(table).getByRole("row", { name: /Beans.*12 kg.*Northwind.*€100/ })).toBeTruthy();
    expect(within(table).getByRole("row", { name: /Total 2 orders €140/ })).toBeTruthy();
  });
  it("can be filtered, and the total follows", async () => {
    const user = userEvent.setup();
    await show(<Panel result={result} />);
    await user.selectOptions(screen.getByLabelText("Supplier"), "Alder");
    expect(screen.getByRole("row", { name: /Total 1 order €40/ })).toBeTruthy();
    expect(screen.queryByText("Beans")).toBeNull();
  });
  it("say so when a filter leaves none, and come back", async () => {
    const user = userEvent.setup();
    await show(<Panel result={result} />);
    await user.type(screen.getByLabelText("Search item or SKU"), "nothing like it");
    await user.click(screen.getByRole("button", { name: "Show all orders" }));
    expect(screen.getByText("Beans")).toBeTruthy();
  });
  it("are sorted by a press on a column, and back by another", async () => {
    const user = userEvent.setup();
    await show(<Panel result={result} />);
    const cost = screen.getByRole("columnheader", { name: "Cost" });
    await user.click(within(cost).getByRole("button"));
    expect(cost.getAttribute("aria-sort")).toBe("descending");
    await user.click(within(cost).getByRole("button"));
    expect(cost.getAttribute("aria-sort")).toBe("ascending");
  });
  it("lead to their item", async () => {
    const user = userEvent.setup();
    const onShowItem = vi.fn();
    await show(<Panel result={result} onShowItem={onShowItem} />);
    await user.click(screen.getByRole("button", { name: "Oat milk" }));
    expect(onShowItem).toHaveBeenCalledWith(1);
  });
  it("tell when there is nothing to order", async () => {
    await show(<Panel result={bareResult()} />);
    expect(screen.getByText("Nothing to order")).toBeTruthy();
  });
});
