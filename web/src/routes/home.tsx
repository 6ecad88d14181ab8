import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import type { ReactNode } from "react";
import { hasPlan, isUnderWay, runsQuery } from "@/features/decision/run";
import { RunTable } from "@/features/decision/RunTable";
import { tableProblemsQuery, tablesQuery } from "@/features/tables/tables";
import { UsageMeters } from "@/features/usage/UsageMeters";
import { UsageNotice } from "@/features/usage/UsageNotice";
import { number } from "@/lib/format";
import { Skeleton } from "@/ui/kit";
import { LinkButton, TextLink } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./home.module.css";

export function HomePage() {
  const tables = useQuery(tablesQuery);
  const problems = useQuery(tableProblemsQuery);
  const runs = useInfiniteQuery(runsQuery);
  const recent = runs.data?.pages[0]?.runs ?? [];

  const present = (tables.data ?? []).filter((table) => table.present);
  const dataReady = problems.data?.ready === true;
  const decided = recent.some((run) => run.state === "done" && hasPlan(run.status));
  const underWay = recent.some(isUnderWay);
  const items = Math.max(0, ...present.map((table) => table.items));

  return (
    <Page title="Home" lead={decided ? "What you decided, and what you can decide next." : "Three steps to the first decision."}>
      {tables.isError && tables.data === undefined && (
        <ProblemNote error={tables.error} title="Your data could not be read." onRetry={() => void tables.refetch()} />
      )}
      <UsageNotice />
      {tables.isPending || problems.isPending ? (
        <Skeleton height={212} radius="md" />
      ) : (
        <Panel title={decided ? "The way to a decision" : "Get started"}>
          <ol className={classes.steps}>
            <Step
              done={dataReady}
              number={1}
              title="Data"
              words={
                dataReady
                  ? `Three tables, ${number(items)} items, ready.`
                  : present.length === 0
                    ? "Upload three tables, or load a sample business with one click."
                    : `${present.length} of 3 tables are in place.`
              }
              action={
                <LinkButton to="/data" size="xs" variant={dataReady ? "default" : "filled"}>
                  {dataReady ? "Look at the data" : "Add data"}
                </LinkButton>
              }
            />
            <Step
              done={recent.length > 0}
              number={2}
              title="Goal"
              words="Horizon, service level, budget: in your words or in a form."
              action={
                <LinkButton to="/goal" size="xs" variant={dataReady && !decided ? "filled" : "default"}>
                  Set a goal
                </LinkButton>
              }
            />
            <Step
              done={decided}
              number={3}
              title="Decision"
              words={
                underWay
                  ? "One is being made right now."
                  : decided
                    ? "Open one below, or change the goal and decide again."
                    : "What to order, how much, when, from whom, and why."
              }
              action={
                recent[0] !== undefined ? (
                  <LinkButton to="/decisions/$run" params={{ run: recent[0].id }} size="xs" variant="default">
                    Open the latest
                  </LinkButton>
                ) : null
              }
            />
          </ol>
        </Panel>
      )}
      {runs.isPending && <Skeleton height={200} radius="md" />}
      {runs.isError && runs.data === undefined && (
        <ProblemNote error={runs.error} title="The decisions could not be read." onRetry={() => void runs.refetch()} />
      )}
      {recent.length > 0 && (
        <Panel title="Recent decisions" flush actions={<TextLink to="/decisions" size="sm">All decisions</TextLink>}>
          <RunTable runs={recent.slice(0, 5)} label="Recent decisions" />
        </Panel>
      )}
      <UsageMeters />
    </Page>
  );
}

interface StepProps {
  done: boolean;
  number: number;
  title: string;
  words: string;
  action: ReactNode;
}

function Step({ done, number: at, title, words, action }: StepProps) {
  return (
    <li className={classes.step}>
      <span className={classes.badge} data-done={done}>
        {done ? <Check size={14} strokeWidth={3} aria-label="done" /> : at}
      </span>
      <div className={classes.words}>
        <h3 className={classes.title}>{title}</h3>
        <p>{words}</p>
      </div>
      {action}
    </li>
  );
}
