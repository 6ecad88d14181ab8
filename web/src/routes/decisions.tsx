import { useInfiniteQuery } from "@tanstack/react-query";
import { ListChecks, Plus } from "lucide-react";
import { runsQuery } from "@/features/decision/run";
import { RunTable } from "@/features/decision/RunTable";
import { Empty } from "@/ui/Empty";
import { Button, Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./decisions.module.css";

export function DecisionsPage() {
  const runs = useInfiniteQuery(runsQuery);
  const all = runs.data?.pages.flatMap((page) => page.runs) ?? [];
  return (
    <Page
      title="Decisions"
      lead="Every decision is kept with the data, the goal and the proof it was made from."
      actions={
        <LinkButton to="/goal" leftSection={<Plus size={16} aria-hidden />}>
          New decision
        </LinkButton>
      }
    >
      {runs.isPending && <Skeleton height={320} radius="md" />}
      {runs.isError && runs.data === undefined && (
        <ProblemNote error={runs.error} title="The decisions could not be read." onRetry={() => void runs.refetch()} />
      )}
      {runs.data !== undefined && all.length === 0 && (
        <Panel>
          <Empty
            icon={<ListChecks size={20} />}
            title="No decisions yet"
            action={<LinkButton to="/goal">Make the first decision</LinkButton>}
          >
            With the tables in place, the first one takes less than a minute.
          </Empty>
        </Panel>
      )}
      {all.length > 0 && (
        <Panel flush>
          <RunTable runs={all} label="Decisions" />
        </Panel>
      )}
      {runs.hasNextPage && (
        <div className={classes.more}>
          <Button variant="default" loading={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
            Show older decisions
          </Button>
        </div>
      )}
    </Page>
  );
}
