import {
  Area,
  Bar,
  CartesianGrid,
  ComposedChart,
  Line,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
  type TooltipContentProps,
} from "recharts";
import { quantity, short } from "@/lib/format";
import classes from "./ItemChart.module.css";

/** One period of a chart; what is missing is not drawn. */
export interface ChartPoint {
  label: string;
  /** History, for demand; nothing for stock. */
  past?: number;
  /** The expected value, and the range it most likely stays in. */
  value?: number;
  range?: [number, number];
  arrival?: number;
  floor?: number;
  missing?: number;
}

/** What each series is called: the chart names them directly, and so does the tooltip. */
export interface ChartNames {
  past?: string;
  value: string;
  range: string;
  arrival?: string;
  floor?: string;
  missing?: string;
}

interface ItemChartProps {
  points: ChartPoint[];
  names: ChartNames;
  unit: string;
  /** What the chart shows, in a sentence; the figures are in the table below it. */
  description: string;
}

const axis = { stroke: "var(--line-strong)", tick: { fill: "var(--ink-2)", fontSize: 11 }, tickLine: false };

/** A series over time with its range, and what arrives. */
export function ItemChart({ points, names, unit, description }: ItemChartProps) {
  return (
    <figure className={classes.figure} role="img" aria-label={description}>
      <div className={classes.key} aria-hidden>
        {names.past !== undefined && <Name kind="past" text={names.past} />}
        <Name kind="value" text={names.value} />
        <Name kind="range" text={names.range} />
        {names.floor !== undefined && <Name kind="floor" text={names.floor} />}
        {names.arrival !== undefined && <Name kind="arrival" text={names.arrival} />}
        {names.missing !== undefined && points.some((point) => (point.missing ?? 0) > 0) && (
          <Name kind="missing" text={names.missing} />
        )}
        <span className={classes.unit}>{unit}</span>
      </div>
      <div className={classes.plot} aria-hidden>
        <ResponsiveContainer width="100%" height="100%">
          <ComposedChart data={points} margin={{ top: 8, right: 8, bottom: 0, left: 0 }} accessibilityLayer={false}>
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis dataKey="label" {...axis} minTickGap={28} interval="preserveStartEnd" />
            <YAxis {...axis} axisLine={false} width={44} tickFormatter={(value: number) => short(value)} domain={[0, "auto"]} />
            <Tooltip
              content={(props) => <Reading {...props} names={names} unit={unit} />}
              cursor={{ stroke: "var(--line-strong)" }}
              isAnimationActive={false}
            />
            {names.arrival !== undefined && (
              <Bar dataKey="arrival" fill="var(--chart-2)" fillOpacity={0.45} maxBarSize={18} isAnimationActive={false} />
            )}
            {names.missing !== undefined && (
              <Bar dataKey="missing" fill="var(--chart-4)" maxBarSize={18} isAnimationActive={false} />
            )}
            <Area dataKey="range" stroke="none" fill="var(--chart-1)" fillOpacity={0.17} isAnimationActive={false} connectNulls />
            {names.floor !== undefined && (
              <Line dataKey="floor" stroke="var(--chart-3)" strokeDasharray="5 4" strokeWidth={1.5} dot={false} isAnimationActive={false} type="stepAfter" />
            )}
            {names.past !== undefined && (
              <Line dataKey="past" stroke="var(--chart-2)" strokeWidth={1.5} dot={false} isAnimationActive={false} />
            )}
            <Line dataKey="value" stroke="var(--chart-1)" strokeWidth={2} dot={{ r: 2.5, fill: "var(--chart-1)", strokeWidth: 0 }} isAnimationActive={false} />
          </ComposedChart>
        </ResponsiveContainer>
      </div>
    </figure>
  );
}

function Name({ kind, text }: { kind: keyof ChartNames; text: string }) {
  return (
    <span className={classes.name}>
      <span className={classes.swatch} data-kind={kind} />
      {text}
    </span>
  );
}

type ReadingProps = TooltipContentProps & { names: ChartNames; unit: string };

function Reading({ active, label, payload, names, unit }: ReadingProps) {
  const point = payload[0]?.payload as ChartPoint | undefined;
  if (!active || point === undefined) return null;
  const lines: [string | undefined, string | undefined][] = [
    [names.past, shown(point.past, unit)],
    [names.value, shown(point.value, unit)],
    [names.range, point.range === undefined ? undefined : `${shown(point.range[0], "") ?? ""} to ${shown(point.range[1], unit) ?? ""}`],
    [names.floor, shown(point.floor, unit)],
    [names.arrival, point.arrival === 0 ? undefined : shown(point.arrival, unit)],
    [names.missing, point.missing === 0 ? undefined : shown(point.missing, unit)],
  ];
  return (
    <div className={classes.reading}>
      <strong>{label}</strong>
      {lines.map(([name, value]) =>
        name === undefined || value === undefined ? null : (
          <span key={name} className={classes.line}>
            <span>{name}</span>
            <span>{value}</span>
          </span>
        ),
      )}
    </div>
  );
}

function shown(value: number | undefined, unit: string): string | undefined {
  return value === undefined ? undefined : quantity(Math.round(value * 10) / 10, unit);
}
