import type { ChartPoint } from "@/ui/charts/ItemChart";
import { periodLabel, type ItemPlan, type Result } from "../result";

// More of the past than this only squeezes the horizon.
const mostPast = 26;

/** Demand of an item: what was, and what is expected with its range. */
export function demandPoints(result: Result, item: ItemPlan): ChartPoint[] {
  const history = item.history.slice(-mostPast);
  const past: ChartPoint[] = history.map((value, index) => ({ label: pastLabel(result, history.length - index), past: value }));
  return [
    ...past,
    ...item.forecast.map((value, index) => ({
      label: shortLabel(result, index),
      value,
      range: [item.forecastLow[index] ?? value, item.forecastHigh[index] ?? value] as [number, number],
    })),
  ];
}

/** Stock of an item at the end of each period, under the plan. */
export function stockPoints(result: Result, item: ItemPlan): ChartPoint[] {
  return item.stock.map((value, index) => ({
    label: shortLabel(result, index),
    value,
    range: [Math.max(0, item.stockLow[index] ?? value), item.stockHigh[index] ?? value],
    floor: item.safetyStock[index] ?? 0,
    arrival: item.arrivals[index] ?? 0,
    missing: item.shortage[index] ?? 0,
  }));
}

// The day on which the period began that lies that many before the first one.
function pastLabel(result: Result, periodsBefore: number): string {
  const first = result.periods[0];
  if (first === undefined) return `-${periodsBefore}`;
  const start = Date.parse(first.start);
  const length = Date.parse(first.end) - start + 86_400_000;
  const day = new Date(start - periodsBefore * length);
  return day.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}

// "week of 3 Mar" is too long for an axis.
function shortLabel(result: Result, index: number): string {
  return periodLabel(result, index).replace(/^week of /, "");
}

/** How an item does over the horizon, for the list: short, below its safety stock, or fine. */
export function standing(item: ItemPlan): "short" | "low" | "fine" {
  if (item.shortage.some((value) => value > 1e-6)) return "short";
  // Before the first order can arrive nothing can be done, so it is not counted.
  const low = item.stock.some(
    (value, index) => index >= item.leadPeriods && value < (item.safetyStock[index] ?? 0) - 1e-6,
  );
  return low ? "low" : "fine";
}
