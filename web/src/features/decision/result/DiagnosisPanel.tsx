import { Check } from "lucide-react";
import { number, percent } from "@/lib/format";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { Tag } from "@/ui/Tag";
import type { Change, Result } from "../result";
import classes from "./DiagnosisPanel.module.css";

interface DiagnosisPanelProps {
  diagnosis: NonNullable<Result["diagnosis"]>;
  goalId: string;
}

/** Why no plan exists, and the smallest changes that make one possible. */
export function DiagnosisPanel({ diagnosis, goalId }: DiagnosisPanelProps) {
  return (
    <>
      <Panel title="Why it cannot be done" tone="attention">
        <p className={classes.summary}>{diagnosis.summary}</p>
        {diagnosis.conflicts.length > 0 && (
          <>
            <p className={classes.intro}>These cannot hold together:</p>
            <ul className={classes.conflicts}>
              {diagnosis.conflicts.map((conflict, index) => (
                <li key={index}>{conflict.text}</li>
              ))}
            </ul>
          </>
        )}
      </Panel>
      {diagnosis.changes.length > 0 && (
        <section aria-label="What to change" className={classes.changes}>
          <h2 className={classes.title}>What to change</h2>
          <p className={classes.intro}>One of these is enough. Best first.</p>
          <ul className={classes.cards}>
            {diagnosis.changes.map((change, index) => (
              <li key={index} className={classes.card}>
                <p className={classes.text}>{change.text}</p>
                {change.field !== "serviceRule" && change.to !== change.from && (
                  <p className={classes.step}>
                    {shown(change, change.from)} <span aria-label="to">→</span> <strong>{shown(change, change.to)}</strong>
                  </p>
                )}
                {change.verified && (
                  <Tag tone="good">
                    <Check size={12} aria-hidden /> tried: a plan exists
                  </Tag>
                )}
                {change.field !== "" && (
                  <div className={classes.apply}>
                    <LinkButton
                      to="/goal"
                      search={{ ...(goalId === "" ? {} : { from: goalId }), field: change.field, value: change.to }}
                      size="xs"
                    >
                      Apply this change
                    </LinkButton>
                    <span className={classes.then}>then check and decide again</span>
                  </div>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function shown(change: Change, value: number): string {
  if (change.field === "serviceLevel" || change.unit === "share" || change.unit === "%") {
    return percent(value <= 1 ? value : value / 100);
  }
  if (value === 0 && /^(budget|storage)/.test(change.field)) return "no limit";
  return change.unit === "" ? number(value, 2) : `${number(value, 2)} ${change.unit}`;
}
