import { useId, type ReactNode } from "react";
import classes from "./Panel.module.css";

interface PanelProps {
  title?: string;
  /** A line beside or under the title. */
  note?: ReactNode;
  actions?: ReactNode;
  /** Without padding, for tables that reach the edges. */
  flush?: boolean;
  tone?: "plain" | "accent" | "attention" | "bad";
  /** Anchor id, for links to this part. */
  id?: string;
  children: ReactNode;
}

/** A bordered section with a heading; the building block of pages. */
export function Panel({ title, note, actions, flush = false, tone = "plain", id, children }: PanelProps) {
  const heading = useId();
  return (
    <section
      id={id}
      className={classes.panel}
      data-tone={tone}
      aria-labelledby={title === undefined ? undefined : heading}
    >
      {title !== undefined && (
        <header className={classes.head}>
          <div className={classes.words}>
            <h2 id={heading} className={classes.title}>
              {title}
            </h2>
            {note !== undefined && <p className={classes.note}>{note}</p>}
          </div>
          {actions !== undefined && <div className={classes.actions}>{actions}</div>}
        </header>
      )}
      <div className={classes.body} data-flush={flush}>
        {children}
      </div>
    </section>
  );
}
