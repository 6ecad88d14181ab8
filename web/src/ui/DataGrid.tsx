import type { ReactNode, Ref, TableHTMLAttributes } from "react";
import classes from "./DataGrid.module.css";

interface DataGridProps extends TableHTMLAttributes<HTMLTableElement> {
  /** What the table holds, for readers that cannot see its heading. */
  label: string;
  /** Most height before it scrolls, as CSS. */
  maxHeight?: string;
  scrollRef?: Ref<HTMLDivElement>;
  children: ReactNode;
}

/**
 * A dense table in a scroll area that the keyboard can reach. Cells take the
 * class names `num` (right, tabular), `keep` (one line) and `dim`.
 */
export function DataGrid({ label, maxHeight, scrollRef, children, ...rest }: DataGridProps) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scroll area must be reachable by keyboard
    <div className={classes.scroll} style={{ maxHeight }} ref={scrollRef} tabIndex={0} role="group" aria-label={label}>
      <table className={classes.grid} aria-label={label} {...rest}>
        {children}
      </table>
    </div>
  );
}
