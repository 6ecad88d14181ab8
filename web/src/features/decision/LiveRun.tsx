import { useQueryClient } from "@tanstack/react-query";
import { CircleStop } from "lucide-react";
import { useAction } from "@/lib/api/useAction";
import { duration, money, number, percent } from "@/lib/format";
import { since, useNow } from "@/lib/now";
import { Convergence } from "@/ui/charts/Convergence";
import { Button } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Steps } from "@/ui/Steps";
import { cancelRun, runQuery, stageTitle, type Run } from "./run";
import type { TrailPoint } from "./useLiveRun";
import classes from "./LiveRun.module.css";

interface LiveRunProps {
  run: Run;
  trail: TrailPoint[];
  /** True while nothing is heard of the run. */
  away: boolean;
}

/** A run under way: its stages, how far the search is, and how to stop it. */
export function LiveRun({ run, trail, away }: LiveRunProps) {
  const now = useNow(true, 100);
  const elapsed = since(run.startedAt === "" ? run.createdAt : run.startedAt, now);
  return (
    <Panel
      title={away ? "No connection; trying again" : headline(run)}
      tone={away ? "attention" : "plain"}
      note={
        away ? "What is below was the state when the connection broke." : <span className={classes.elapsed}>{duration(elapsed)} so far</span>
      }
      actions={<CancelButton run={run} />}
    >
      <div className={classes.split}>
        <Steps
          label="Stages"
          steps={run.stages.map((stage) => ({
            key: stage.stage,
            title: stageTitle(stage.stage),
            state: stage.state,
            time: stage.seconds > 0 ? duration(stage.seconds * 1000) : "",
            detail: stage.state === "working" ? doing(run) : undefined,
          }))}
        />
        <Search run={run} trail={trail} />
      </div>
    </Panel>
  );
}

function Search({ run, trail }: Pick<LiveRunProps, "run" | "trail">) {
  const { progress } = run;
  const last = trail.at(-1);
  if (progress === null || last === undefined) {
    return (
      <p className={classes.hint}>
        {run.state === "queued"
          ? "It starts as soon as there is a free place. You can leave this page; the decision is made anyway."
          : "The best plan so far and the proven limit appear here once the search begins. You can leave this page; the decision is made anyway."}
      </p>
    );
  }
  return (
    <div className={classes.search}>
      <dl className={classes.figures}>
        <Figure name="Best plan so far" value={last.objective === null ? "none yet" : money(last.objective, "")} />
        <Figure name="No plan costs less than" value={last.bound === null ? "not known yet" : money(last.bound, "")} />
        <Figure name="Gap" value={progress.gap == null ? "open" : percent(progress.gap, 2)} />
        <Figure name="Branches tried" value={number(progress.nodes)} />
      </dl>
      <Convergence points={trail} unit="in total cost" />
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function CancelButton({ run }: { run: Run }) {
  const queryClient = useQueryClient();
  const cancel = useAction({
    mutationFn: () => cancelRun(run.id),
    onSuccess: (stopped) => queryClient.setQueryData(runQuery(run.id).queryKey, stopped),
  });
  return (
    <>
      <Button
        variant="default"
        size="xs"
        leftSection={<CircleStop size={15} aria-hidden />}
        loading={cancel.isPending || run.state === "canceling"}
        onClick={() => cancel.mutate()}
      >
        Stop
      </Button>
      {cancel.isError && <ProblemNote error={cancel.error} title="The run was not stopped." />}
    </>
  );
}

function headline(run: Run): string {
  if (run.state === "queued") return "Waiting for a free place";
  if (run.state === "canceling") return "Stopping; the best plan so far is kept";
  return run.attempts > 1 ? `Working, attempt ${run.attempts}` : "Working";
}

function doing(run: Run): string {
  const { progress } = run;
  if (progress === null || progress.total <= 0 || progress.stage === "solve") return "";
  return `${number(progress.done)} of ${number(progress.total)}`;
}
