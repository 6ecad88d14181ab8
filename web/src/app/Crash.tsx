import type { ErrorComponentProps } from "@tanstack/react-router";
import { useRouter } from "@tanstack/react-router";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./Pending.module.css";

/** Stands where a page failed to start; the rest of the portal lives on. */
export function Crash({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <main className={classes.pending}>
      <ProblemNote
        error={error}
        title="This page could not be shown."
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </main>
  );
}
