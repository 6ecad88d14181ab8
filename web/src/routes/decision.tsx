import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Pencil } from "lucide-react";
import { lazy, Suspense } from "react";
import { LiveRun } from "@/features/decision/LiveRun";
import { NoPlan } from "@/features/decision/NoPlan";
import { resultQuery } from "@/features/decision/result";
import { hasResult, isUnderWay, verdict } from "@/features/decision/run";
import { useLiveRun } from "@/features/decision/useLiveRun";
import { fetched } from "@/lib/api/pageParts";
import { moment } from "@/lib/format";
import { Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag } from "@/ui/Tag";
import classes from "./decision.module.css";

const ResultView = lazy(
  fetched(() => import("@/features/decision/result/ResultView").then((module) => ({ default: module.ResultView }))),
);

const route = getRouteApi("/frame/decisions/$run");

export function DecisionPage() {
  const { run: id } = route.useParams();
  // A page of its own for each run: nothing of one may show under another.
  return <Decision key={id} id={id} />;
}

function Decision({ id }: { id: string }) {
  const { query, trail, away } = useLiveRun(id);
  // How far the plan is from the best is part of the result.
  const result = useQuery({ ...resultQuery(id), enabled: query.data !== undefined && hasResult(query.data) });
  if (query.isPending) {
    return (
      <Page title="Decision">
        <Skeleton height={300} radius="md" />
      </Page>
    );
  }
  if (query.isError && query.data === undefined) {
    return (
      <Page title="Decision">
        <ProblemNote error={query.error} title="This decision could not be read." onRetry={() => void query.refetch()} />
        <div>
          <LinkButton to="/decisions" variant="default">
            All decisions
          </LinkButton>
        </div>
      </Page>
    );
  }
  const run = query.data;
  const end = verdict(run, result.data?.solver.gap ?? run.progress?.gap ?? null);
  return (
    <Page
      title={run.title === "" ? "Decision" : run.title}
      lead={
        <span className={classes.lead} role="status">
          <Tag tone={away ? "attention" : end.tone}>{away ? "No connection" : end.text}</Tag>
          <span>asked for {moment(run.createdAt)}</span>
        </span>
      }
      actions={
        <LinkButton
          to="/goal"
          search={run.goalId === "" ? {} : { from: run.goalId }}
          variant="default"
          leftSection={<Pencil size={15} aria-hidden />}
        >
          Change the goal
        </LinkButton>
      }
    >
      {isUnderWay(run) && <LiveRun run={run} trail={trail} away={away} />}
      {!isUnderWay(run) && !hasResult(run) && <NoPlan run={run} />}
      {hasResult(run) && (
        <Suspense fallback={<Skeleton height={420} radius="md" />}>
          <ResultView run={run} />
        </Suspense>
      )}
    </Page>
  );
}
