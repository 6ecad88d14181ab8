import type { ReactNode } from "react";
import { useDocumentTitle } from "@mantine/hooks";
import classes from "./Page.module.css";

interface PageProps {
  title: string;
  /** One line under the title: what this page is for. */
  lead?: ReactNode;
  /** Buttons at the right of the title. */
  actions?: ReactNode;
  /** Narrow pages hold a form or a text; wide ones tables. */
  width?: "narrow" | "wide";
  children: ReactNode;
}

/** The frame of every signed-in page: title, lead, actions, content. */
export function Page({ title, lead, actions, width = "wide", children }: PageProps) {
  useDocumentTitle(`${title} · Dyocense`);
  return (
    <div className={classes.page} data-width={width}>
      <header className={classes.head}>
        <div className={classes.words}>
          <h1 className={classes.title}>{title}</h1>
          {lead !== undefined && <p className={classes.lead}>{lead}</p>}
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}
