import { short } from "@/lib/format";
import classes from "./Convergence.module.css";

interface ConvergenceProps {
  points: { seconds: number; objective: number | null; bound: number | null }[];
  /** What the figures are in, for the description. */
  unit: string;
}

const width = 560;
const height = 132;
const pad = { top: 12, right: 118, bottom: 20, left: 8 };

/** How the best plan found and the proven limit come together while the search runs. */
export function Convergence({ points, unit }: ConvergenceProps) {
  const values = points.flatMap((point) => [point.objective, point.bound]).filter((value) => value !== null);
  const from = points[0]?.seconds ?? 0;
  const to = points.at(-1)?.seconds ?? 0;
  if (values.length < 2 || to <= from) return null;
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = high - low || 1;
  const x = (seconds: number) => pad.left + ((seconds - from) / (to - from)) * (width - pad.left - pad.right);
  const y = (value: number) => pad.top + ((high - value) / span) * (height - pad.top - pad.bottom);

  const best = points.at(-1)?.objective ?? null;
  const bound = points.at(-1)?.bound ?? null;
  const bestY = best === null ? null : y(best) + 4;
  const boundY = bound === null ? null : Math.max(y(bound) + 4, bestY === null ? 0 : bestY + 15);
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      className={classes.chart}
      role="img"
      aria-label={`Best plan so far ${best === null ? "none" : `${short(best)} ${unit}`}, no plan can cost less than ${bound === null ? "unknown" : `${short(bound)} ${unit}`}`}
    >
      <line x1={pad.left} x2={width - pad.right} y1={height - pad.bottom} y2={height - pad.bottom} className={classes.axis} />
      <path d={steps(points, "bound", x, y)} className={classes.bound} />
      <path d={steps(points, "objective", x, y)} className={classes.best} />
      {best !== null && (
        <text x={width - pad.right + 8} y={bestY ?? 0} className={classes.bestLabel}>
          best plan {short(best)}
        </text>
      )}
      {bound !== null && (
        <text x={width - pad.right + 8} y={boundY ?? 0} className={classes.boundLabel}>
          limit {short(bound)}
        </text>
      )}
      <text x={pad.left} y={height - 5} className={classes.tick}>
        {short(from)} s
      </text>
      <text x={width - pad.right} y={height - 5} textAnchor="end" className={classes.tick}>
        {short(to)} s
      </text>
    </svg>
  );
}

// A value holds until the next is found, so the line goes in steps.
function steps(
  points: ConvergenceProps["points"],
  of: "objective" | "bound",
  x: (seconds: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  for (const point of points) {
    const value = point[of];
    if (value === null) continue;
    const at = x(point.seconds).toFixed(1);
    path += path === "" ? `M${at} ${y(value).toFixed(1)}` : `H${at}V${y(value).toFixed(1)}`;
  }
  return path;
}
