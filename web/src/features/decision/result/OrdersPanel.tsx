import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, PackageCheck, PackageX } from "lucide-react";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { day, money, number, plural, price, quantity } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import { Empty } from "@/ui/Empty";
import { Button, NativeSelect, TextInput } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { periodLabel, type Result } from "../result";
import { noFilter, select, type Filter, type Line, type Sort, type SortKey } from "./orderList";
import { useSpot } from "./spot";
import classes from "./OrdersPanel.module.css";

// Longer lists draw only what is in sight.
const virtualFrom = 200;

interface OrdersPanelProps {
  result: Result;
  /** Kept outside, so that a number can lead to an order the filter hides. */
  filter: Filter;
  onFilter: (filter: Filter) => void;
  /** Shows an item, by its index, in the chart below. */
  onShowItem: (index: number) => void;
}

/** What to order, how much, when, from whom, and why. */
export function OrdersPanel({ result, filter, onFilter: setFilter, onShowItem }: OrdersPanelProps) {
  const [sort, setSort] = useState<Sort>({ key: "orderDate", descending: false });
  const { asked, go } = useSpot();
  const lines = select(result.orders, filter, sort);
  const suppliers = [...new Set(result.orders.map((order) => order.supplier))].sort();
  const periods = [...new Set(result.orders.map((order) => order.period))].sort((a, b) => a - b);
  const total = lines.reduce((sum, line) => sum + line.order.cost, 0);

  const wanted = asked?.origin.part === "order" ? asked.origin.index : null;

  const showItem = (line: Line) => {
    const index = result.items.findIndex((item) => item.sku === line.order.sku);
    if (index < 0) return;
    onShowItem(index);
    go(`/items/${index}`);
  };

  if (result.orders.length === 0) {
    return (
      <Panel title="Orders">
        <NothingToOrder plan={result.plan} />
      </Panel>
    );
  }
  return (
    <div data-path="/orders">
      <Panel
        title="Orders"
        note={`${plural(result.orders.length, "order")} over ${plural(result.periods.length, "period")}`}
        flush
        actions={
          <div className={classes.filters}>
            <TextInput
              size="xs"
              aria-label="Search item or SKU"
              placeholder="Search item or SKU"
              value={filter.words}
              onChange={(event) => setFilter({ ...filter, words: event.currentTarget.value })}
            />
            <NativeSelect
              size="xs"
              aria-label="Supplier"
              data={[{ value: "", label: "All suppliers" }, ...suppliers]}
              value={filter.supplier}
              onChange={(event) => setFilter({ ...filter, supplier: event.currentTarget.value })}
            />
            <NativeSelect
              size="xs"
              aria-label="Order period"
              data={[
                { value: "", label: "All periods" },
                ...periods.map((period) => ({ value: String(period), label: periodLabel(result, period) })),
              ]}
              value={filter.period === null ? "" : String(filter.period)}
              onChange={(event) =>
                setFilter({ ...filter, period: event.currentTarget.value === "" ? null : Number(event.currentTarget.value) })
              }
            />
          </div>
        }
      >
        {lines.length === 0 ? (
          <Empty
            title="No order matches"
            action={
              <Button variant="default" size="xs" onClick={() => setFilter(noFilter)}>
                Show all orders
              </Button>
            }
          />
        ) : (
          <OrderTable
            lines={lines}
            currency={result.currency}
            sort={sort}
            onSort={setSort}
            total={total}
            wanted={wanted}
            turn={asked?.turn ?? 0}
            onShowItem={showItem}
          />
        )}
      </Panel>
    </div>
  );
}

function NothingToOrder({ plan }: { plan: Result["plan"] }) {
  if (plan !== null && plan.unitsShort > 0) {
    return (
      <Empty icon={<PackageX size={20} />} title="No orders in this plan">
        Yet {number(plan.unitsShort, 1)} units of demand are expected to go unserved. The items marked “short” below show
        where, and the explanation above says why.
      </Empty>
    );
  }
  return (
    <Empty icon={<PackageCheck size={20} />} title="Nothing to order">
      {plan !== null && "What is on the shelf and on its way lasts for the whole horizon."}
    </Empty>
  );
}

interface OrderTableProps {
  lines: Line[];
  currency: string;
  sort: Sort;
  onSort: (sort: Sort) => void;
  total: number;
  wanted: number | null;
  turn: number;
  onShowItem: (line: Line) => void;
}

function OrderTable({ lines, currency, sort, onSort, total, wanted, turn, onShowItem }: OrderTableProps) {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = lines.length > virtualFrom;
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer is used in this component only
  const virtualizer = useVirtualizer({
    count: virtual ? lines.length : 0,
    getScrollElement: () => scroll.current,
    estimateSize: () => 49,
    overscan: 12,
  });
  const bring = useEffectEvent(() => {
    const at = lines.findIndex((line) => line.index === wanted);
    if (virtual && at >= 0) virtualizer.scrollToIndex(at, { align: "center" });
  });
  useEffect(() => bring(), [turn, wanted, lines.length]);

  const rows = virtualizer.getVirtualItems();
  const before = rows[0]?.start ?? 0;
  const after = virtual ? virtualizer.getTotalSize() - (rows.at(-1)?.end ?? 0) : 0;
  const seen = virtual ? rows.map((row) => ({ at: row.index, line: lines[row.index] })) : lines.map((line, at) => ({ at, line }));

  const head = (key: SortKey, title: string, numeric = false) => (
    <Head title={title} numeric={numeric} sorted={sort.key === key ? sort.descending ? "descending" : "ascending" : "none"} onSort={() => onSort({ key, descending: sort.key === key ? !sort.descending : numeric })} />
  );
  return (
    <DataGrid label="Orders" maxHeight="38rem" scrollRef={scroll} aria-rowcount={lines.length + 2}>
      <thead>
        <tr>
          {head("sku", "Item")}
          {head("quantity", "Quantity", true)}
          {head("orderDate", "Order on")}
          {head("arrives", "Arrives")}
          {head("supplier", "Supplier")}
          {head("unitCost", "Unit cost", true)}
          {head("cost", "Cost", true)}
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {before > 0 && (
          <tr aria-hidden style={{ height: before }}>
            <td colSpan={8} />
          </tr>
        )}
        {seen.map(
          ({ at, line }) =>
            line !== undefined && (
              <tr
                key={line.index}
                data-index={at}
                data-path={`/orders/${line.index}`}
                aria-rowindex={at + 2}
                ref={virtual ? virtualizer.measureElement : undefined}
              >
                <OrderCells line={line} currency={currency} onShowItem={onShowItem} />
              </tr>
            ),
        )}
        {after > 0 && (
          <tr aria-hidden style={{ height: after }}>
            <td colSpan={8} />
          </tr>
        )}
      </tbody>
      <tfoot className={classes.foot}>
        <tr>
          <th scope="row">Total</th>
          <td className="num">{plural(lines.length, "order")}</td>
          <td colSpan={4} />
          <td className="num">{money(total, currency)}</td>
          <td />
        </tr>
      </tfoot>
    </DataGrid>
  );
}

function OrderCells({ line, currency, onShowItem }: { line: Line; currency: string; onShowItem: (line: Line) => void }) {
  const { order, index } = line;
  return (
    <>
      <th scope="row" className={classes.name}>
        <button type="button" className={classes.item} onClick={() => onShowItem(line)} title="Show its stock over time">
          {order.name === "" ? order.sku : order.name}
        </button>
        {order.name !== "" && <span className={classes.small}>{order.sku}</span>}
      </th>
      <td className="num" data-path={`/orders/${index}/quantity`}>
        {quantity(order.quantity, order.unit)}
        {order.packs > 0 && <span className={classes.small}>{plural(order.packs, "pack")}</span>}
      </td>
      <td className="keep" data-path={`/orders/${index}/orderDate`}>
        {day(order.orderDate)}
      </td>
      <td className="keep">{day(order.arrives)}</td>
      <td>{order.supplier}</td>
      <td className="num">{price(order.unitCost, currency)}</td>
      <td className="num" data-path={`/orders/${index}/cost`}>
        {money(order.cost, currency)}
      </td>
      <td className={classes.why}>
        <Why text={order.why} />
      </td>
    </>
  );
}

// Two lines until it is clicked or the keyboard reaches it: the list stays a list.
function Why({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  if (text === "") return null;
  return (
    <button type="button" className={classes.reason} aria-expanded={open} title={text} onClick={() => setOpen(!open)}>
      <span className={classes.clamp}>{text}</span>
    </button>
  );
}

interface HeadProps {
  title: string;
  numeric: boolean;
  sorted: "none" | "ascending" | "descending";
  onSort: () => void;
}

function Head({ title, numeric, sorted, onSort }: HeadProps) {
  return (
    <th scope="col" aria-sort={sorted} className={numeric ? "num" : undefined}>
      <button type="button" className={classes.sort} onClick={onSort}>
        {title}
        {sorted === "ascending" && <ArrowUp size={12} aria-hidden />}
        {sorted === "descending" && <ArrowDown size={12} aria-hidden />}
      </button>
    </th>
  );
}

