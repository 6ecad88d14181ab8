import type { ReactNode } from "react";
import classes from "./Facts.module.css";

/** Names and values in two columns: small print that should still be readable. */
export function Facts({ rows }: { rows: { name: string; value: ReactNode; path?: string }[] }) {
  return (
    <dl className={classes.facts}>
      {rows.map((row) => (
        <div key={row.name} className={classes.row} data-path={row.path}>
          <dt>{row.name}</dt>
          <dd>{row.value}</dd>
        </div>
      ))}
    </dl>
  );
}
