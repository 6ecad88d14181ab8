import { CircleCheck, OctagonAlert, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { plural } from "@/lib/format";
import { Button } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { nameOf, kinds, type TableProblems } from "./tables";
import classes from "./ProblemsPanel.module.css";

// More than this and the list is folded: the first ones show the pattern.
const shown = 6;

/** What is wrong across the tables. Errors stop a decision, warnings do not. */
export function ProblemsPanel({ problems }: { problems: TableProblems }) {
  const [all, setAll] = useState(false);
  const errors = problems.problems.filter((problem) => problem.severity === "error");
  const sorted = [...errors, ...problems.problems.filter((problem) => problem.severity !== "error")];
  if (sorted.length === 0) {
    return (
      <p className={classes.fine} role="status">
        <CircleCheck size={16} aria-hidden />
        {problems.ready ? "The three tables fit together. You can make a decision." : "No problems found so far."}
      </p>
    );
  }
  return (
    <Panel
      title={errors.length > 0 ? `${plural(errors.length, "thing")} to fix first` : `${plural(sorted.length, "thing")} to know`}
      note={
        problems.ready
          ? "None of these stops a decision."
          : "A decision can be made once what is marked as an error is fixed."
      }
      tone={errors.length > 0 ? "bad" : "attention"}
    >
      <ul className={classes.list}>
        {(all ? sorted : sorted.slice(0, shown)).map((problem, index) => (
          <li key={index} data-severity={problem.severity}>
            {problem.severity === "error" ? <OctagonAlert size={16} aria-hidden /> : <TriangleAlert size={16} aria-hidden />}
            <span>
              <span className={classes.severity}>{problem.severity === "error" ? "Error" : "Note"}</span>
              {problem.text}
              {place(problem.kind) !== "" && <span className={classes.place}> ({place(problem.kind)})</span>}
            </span>
          </li>
        ))}
      </ul>
      {sorted.length > shown && (
        <Button variant="subtle" size="xs" onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show all ${sorted.length}`}
        </Button>
      )}
    </Panel>
  );
}

function place(kind: string): string {
  const known = kinds.find((name) => name === kind);
  return known === undefined ? "" : nameOf(known);
}
