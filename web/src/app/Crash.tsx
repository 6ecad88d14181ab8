import type { ErrorComponentProps } from "@tanstack/react-router";
import { useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { asProblem, unfetched } from "@/lib/api/problem";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./Pending.module.css";

/** Stands where a page failed to start; the rest of the portal lives on. */
export function Crash({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const [trying, setTrying] = useState(false);
  const retry = async () => {
    if (asProblem(error).code !== unfetched().code) {
      reset();
      await router.invalidate();
      return;
    }
    // Only a reload fetches the code anew for certain, and it is safe only once
    // the product answers: without a connection it would leave the portal.
    setTrying(true);
    try {
      await fetch(window.location.pathname, { method: "HEAD", cache: "no-store" });
      window.location.reload();
    } catch {
      setTrying(false);
    }
  };
  return (
    <main className={classes.pending}>
      <ProblemNote error={error} title="This page could not be shown." onRetry={() => void retry()} retrying={trying} />
    </main>
  );
}
