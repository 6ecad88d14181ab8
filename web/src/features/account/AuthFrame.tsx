import type { ReactNode } from "react";
import { useDocumentTitle } from "@/ui/kit";
import { Mark } from "@/ui/Mark";
import classes from "./AuthFrame.module.css";

interface AuthFrameProps {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}

/** The frame of the pages before the session: a form, and beside it what the product does. */
export function AuthFrame({ title, lead, children }: AuthFrameProps) {
  useDocumentTitle(`${title} · Dyocense`);
  return (
    <div className={classes.frame}>
      <main className={classes.form}>
        <div className={classes.brand}>
          <Mark size={28} />
          <span>Dyocense</span>
        </div>
        <h1 className={classes.title}>{title}</h1>
        {lead !== undefined && <p className={classes.lead}>{lead}</p>}
        {children}
      </main>
      <aside className={classes.side} aria-label="About the product">
        <Picture />
        <p className={classes.claim}>From a goal and three tables to a plan that is optimal, explained and checked.</p>
        <ul className={classes.points}>
          <li>Every number leads to where it comes from.</li>
          <li>Every rule is checked again by a second program.</li>
          <li>When it cannot be done, you are told what to change.</li>
        </ul>
      </aside>
    </div>
  );
}

// A stock curve with its range and the line it must not cross: what the result
// page draws, without figures, because these would be nobody's.
function Picture() {
  return (
    <svg viewBox="0 0 420 200" className={classes.picture} aria-hidden focusable="false">
      {[40, 80, 120, 160].map((y) => (
        <line key={y} x1="0" x2="420" y1={y} y2={y} className={classes.grid} />
      ))}
      <path
        className={classes.band}
        d="M0 62 L60 86 L120 108 L121 44 L180 64 L240 84 L300 104 L301 40 L360 58 L420 76 L420 142 L360 112 L301 84 L300 168 L240 138 L180 106 L121 72 L120 150 L60 116 L0 74 Z"
      />
      <path className={classes.line} d="M0 68 L60 101 L120 129 L121 58 L180 85 L240 111 L300 136 L301 62 L360 85 L420 109" />
      <line x1="0" x2="420" y1="160" y2="160" className={classes.safety} />
    </svg>
  );
}
