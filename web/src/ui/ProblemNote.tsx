import { RotateCw, TriangleAlert } from "lucide-react";
import { asProblem } from "@/lib/api/problem";
import { Button } from "./kit";
import classes from "./ProblemNote.module.css";

interface ProblemNoteProps {
  error: unknown;
  /** What was being attempted: "The tables could not be read." */
  title?: string;
  onRetry?: () => void;
  retrying?: boolean;
}

/** Says what went wrong, what to do, and the code to quote to support. */
export function ProblemNote({ error, title, onRetry, retrying = false }: ProblemNoteProps) {
  const problem = asProblem(error);
  const details = problem.details.slice(0, 8);
  return (
    <div className={classes.note} role="alert">
      <TriangleAlert size={18} className={classes.icon} aria-hidden />
      <div className={classes.words}>
        {title !== undefined && <p className={classes.title}>{title}</p>}
        <p className={classes.message}>{problem.message}</p>
        {details.length > 0 && (
          <ul className={classes.details}>
            {details.map((detail) => (
              <li key={`${detail.location} ${detail.message}`}>
                {detail.location !== "" && <span className={classes.place}>{detail.location}: </span>}
                {detail.message}
              </li>
            ))}
            {problem.details.length > details.length && <li>and {problem.details.length - details.length} more</li>}
          </ul>
        )}
        <p className={classes.code}>
          Code <code>{problem.code}</code>
        </p>
      </div>
      {onRetry !== undefined && (
        <Button variant="default" size="xs" leftSection={<RotateCw size={14} aria-hidden />} onClick={onRetry} loading={retrying}>
          Try again
        </Button>
      )}
    </div>
  );
}
