import type { ReactNode } from "react";
import classes from "./Tag.module.css";

export type TagTone = "good" | "attention" | "bad" | "quiet" | "busy" | "accent";

/** A short state in words. Colour only repeats what the words say. */
export function Tag({ tone = "quiet", children }: { tone?: TagTone; children: ReactNode }) {
  return (
    <span className={classes.tag} data-tone={tone}>
      <span className={classes.dot} aria-hidden />
      {children}
    </span>
  );
}
