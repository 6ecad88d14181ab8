import { CircleCheck, OctagonAlert } from "lucide-react";
import { day, number, plural } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import type { Check, Mark } from "./uploads";
import classes from "./CheckReport.module.css";

/** What the product found in the file: how much can be read, and every line that cannot. */
export function CheckReport({ check, filename }: { check: Check; filename: string }) {
  return (
    <div className={classes.report}>
      <p className={classes.verdict} data-ok={check.ok} role="status">
        {check.ok ? <CircleCheck size={18} aria-hidden /> : <OctagonAlert size={18} aria-hidden />}
        {check.ok
          ? `All ${plural(check.rows, "row")} can be read.`
          : `${plural(check.errorCount, "problem")} in ${plural(check.rows, "row")}.`}
      </p>
      {check.ok && <p className={classes.summary}>{summary(check)}</p>}
      {check.errors.length > 0 && (
        <>
          <Marks marks={check.errors} label={`Problems in ${filename}`} />
          {check.errorCount > check.errors.length && (
            <p className={classes.more}>
              The first {number(check.errors.length)} of {number(check.errorCount)} are shown.
            </p>
          )}
        </>
      )}
      {check.warnings.length > 0 && (
        <details className={classes.warnings} open={check.warnings.length <= 5}>
          <summary>{plural(check.warnings.length, "thing")} to know, nothing to stop for</summary>
          <Marks marks={check.warnings} label={`Notes on ${filename}`} />
        </details>
      )}
    </div>
  );
}

function Marks({ marks, label }: { marks: Mark[]; label: string }) {
  return (
    <div className={classes.marks}>
      <DataGrid label={label} maxHeight="20rem">
        <thead>
          <tr>
            <th scope="col" className="num">
              Line
            </th>
            <th scope="col">Column</th>
            <th scope="col">Value</th>
            <th scope="col">What is wrong</th>
          </tr>
        </thead>
        <tbody>
          {marks.map((mark, index) => (
            <tr key={index}>
              <td className="num">{mark.line === 0 ? "" : number(mark.line)}</td>
              <td className="keep">{mark.column}</td>
              <td>
                <code className={classes.value}>{mark.value}</code>
              </td>
              <td>{mark.message}</td>
            </tr>
          ))}
        </tbody>
      </DataGrid>
    </div>
  );
}

function summary(check: Check): string {
  const { items, from, to } = check.summary;
  const parts: string[] = [];
  if (typeof items === "number" && items > 0) parts.push(plural(items, "item"));
  if (typeof from === "string" && typeof to === "string" && from !== "" && to !== "") {
    parts.push(`${day(from)} to ${day(to)}`);
  }
  return parts.join(", ");
}
