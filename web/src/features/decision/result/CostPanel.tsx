import { money, number, percent } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import { Panel } from "@/ui/Panel";
import type { Costs, Result } from "../result";
import classes from "./CostPanel.module.css";

// What adds up to the total. Goods that are still there at the end are worth what
// they cost, so only the goods that went are a cost of the time.
const parts: { key: string; title: string; of: (costs: Costs) => number }[] = [
  { key: "purchase", title: "Goods used", of: (costs) => costs.purchase - costs.stockChange },
  { key: "ordering", title: "Ordering", of: (costs) => costs.ordering },
  { key: "holding", title: "Holding", of: (costs) => costs.holding },
  { key: "shortage", title: "Shortage", of: (costs) => costs.shortage },
];

interface Way {
  key: "plan" | "reorderPoint" | "doNothing";
  title: string;
  costs: Costs;
}

/** The plan's cost against what would happen otherwise, as bars and as figures. */
export function CostPanel({ result }: { result: Result }) {
  const ways: Way[] = [];
  if (result.plan !== null) ways.push({ key: "plan", title: "This plan", costs: result.plan });
  if (result.reorderPoint !== null) {
    ways.push({ key: "reorderPoint", title: "Reorder-point policy", costs: result.reorderPoint });
  }
  if (result.doNothing !== null) ways.push({ key: "doNothing", title: "Do nothing", costs: result.doNothing });
  const unit = result.currency === "" ? "" : ` in ${result.currency}`;

  return (
    <Panel
      title="Cost compared"
      note={`Over ${result.periods.length} periods, for expected demand${unit}. Shortage is what running out is worth avoiding, as the goal says.`}
    >
      <Bars ways={ways} currency={result.currency} />
      <div className={classes.table}>
        <DataGrid label="Cost compared">
          <thead>
            <tr>
              <th scope="col">
                <span className={classes.hidden}>Figure</span>
              </th>
              {ways.map((way) => (
                <th key={way.key} scope="col" className="num">
                  {way.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows(result).map((row) => (
              <tr key={row.key} className={row.key === "total" ? classes.total : undefined}>
                <th scope="row">{row.title}</th>
                {ways.map((way) => (
                  <td key={way.key} className="num" data-path={`/${way.key}/${row.key}`}>
                    {row.show(way.costs[row.key])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </DataGrid>
      </div>
    </Panel>
  );
}

interface Row {
  key: keyof Costs;
  title: string;
  show: (value: number) => string;
}

function rows(result: Result): Row[] {
  const inMoney = (value: number) => money(value, result.currency);
  const ways = [result.plan, result.reorderPoint, result.doNothing].filter((way) => way !== null);
  const lines: Row[] = [
    { key: "purchase", title: "Goods bought", show: inMoney },
    { key: "stockChange", title: "less stock built up", show: (value) => inMoney(value === 0 ? 0 : -value) },
    { key: "ordering", title: "Ordering", show: inMoney },
    { key: "holding", title: "Holding", show: inMoney },
    { key: "shortage", title: "Shortage", show: inMoney },
    { key: "total", title: "Total", show: inMoney },
    { key: "fillRate", title: "Demand met from stock", show: (value) => percent(value) },
    { key: "unitsShort", title: "Units short", show: (value) => `${number(value)} units` },
    { key: "endStock", title: "Stock left at the end", show: inMoney },
    { key: "orders", title: "Orders placed", show: (value) => number(value) },
  ];
  // A limit that nobody breaks needs no line.
  if (ways.some((way) => way.overBudget > 0)) lines.push({ key: "overBudget", title: "Spent over budget", show: inMoney });
  if (ways.some((way) => way.overCapacity > 0)) {
    lines.push({ key: "overCapacity", title: "Most storage over the limit", show: (value) => `${number(value, 1)} storage units` });
  }
  return lines;
}

function Bars({ ways, currency }: { ways: Way[]; currency: string }) {
  const most = Math.max(1, ...ways.map((way) => way.costs.total));
  return (
    <figure className={classes.bars} aria-label="Total cost of each way, by part; the table below has the figures">
      {ways.map((way) => (
        <div key={way.key} className={classes.way}>
          <span className={classes.name}>{way.title}</span>
          <span className={classes.track}>
            {parts.map((part) => (
              <span
                key={part.key}
                className={classes.part}
                data-part={part.key}
                style={{ width: `${(Math.max(0, part.of(way.costs)) / most) * 100}%` }}
              />
            ))}
          </span>
          <span className={classes.sum}>{money(way.costs.total, currency)}</span>
        </div>
      ))}
      <figcaption className={classes.key}>
        {parts.map((part) => (
          <span key={part.key}>
            <span className={classes.swatch} data-part={part.key} aria-hidden />
            {part.title}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
