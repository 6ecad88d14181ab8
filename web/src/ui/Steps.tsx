import { Check, Circle, Minus, X } from "lucide-react";
import type { ReactNode } from "react";
import classes from "./Steps.module.css";

export interface StepLine {
  key: string;
  title: string;
  state: "waiting" | "working" | "standing" | "done" | "failed" | "skipped";
  /** How long it took or takes, in words. */
  time?: string;
  detail?: ReactNode;
}

const stateWords: Record<StepLine["state"], string> = {
  waiting: "waiting",
  working: "working",
  standing: "here now, standing",
  done: "done",
  failed: "failed",
  skipped: "skipped",
};

/** The steps of a long action in their order, with their times. */
export function Steps({ label, steps }: { label: string; steps: StepLine[] }) {
  return (
    <ol className={classes.steps} aria-label={label}>
      {steps.map((step) => (
        <li key={step.key} className={classes.step} data-state={step.state}>
          <span className={classes.icon} aria-hidden>
            {step.state === "done" && <Check size={13} strokeWidth={3} />}
            {step.state === "failed" && <X size={13} strokeWidth={3} />}
            {step.state === "standing" && <Circle size={10} fill="currentColor" />}
            {step.state === "waiting" && <Circle size={7} />}
            {step.state === "skipped" && <Minus size={13} />}
            {step.state === "working" && <span className={classes.spin} />}
          </span>
          <span className={classes.words}>
            <span className={classes.title}>{step.title}</span>
            {step.detail !== undefined && step.detail !== "" && <span className={classes.detail}>{step.detail}</span>}
          </span>
          <span className={classes.time}>
            <span className={classes.hidden}>{stateWords[step.state]} </span>
            {step.time}
          </span>
        </li>
      ))}
    </ol>
  );
}
