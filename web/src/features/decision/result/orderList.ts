import type { Order } from "../result";

export type SortKey = "sku" | "quantity" | "orderDate" | "arrives" | "supplier" | "unitCost" | "cost";

export interface Sort {
  key: SortKey;
  descending: boolean;
}

export interface Filter {
  words: string;
  supplier: string;
  /** Index of a period, or null for all. */
  period: number | null;
}

/** An order and its place in the result, which its origin path names. */
export interface Line {
  order: Order;
  index: number;
}

export const noFilter: Filter = { words: "", supplier: "", period: null };

/** The orders that pass the filter, in the order asked for. */
export function select(orders: Order[], filter: Filter, sort: Sort): Line[] {
  const words = filter.words.trim().toLowerCase();
  const lines = orders
    .map((order, index) => ({ order, index }))
    .filter(
      ({ order }) =>
        (filter.supplier === "" || order.supplier === filter.supplier) &&
        (filter.period === null || order.period === filter.period) &&
        (words === "" || order.sku.toLowerCase().includes(words) || order.name.toLowerCase().includes(words)),
    );
  const direction = sort.descending ? -1 : 1;
  return lines.sort((a, b) => direction * compare(a.order[sort.key], b.order[sort.key]) || a.index - b.index);
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
