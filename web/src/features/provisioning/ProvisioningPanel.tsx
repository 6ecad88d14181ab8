import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import { isCutOff, isSilent, usePoll, useStream } from "@/lib/api/stream";
import { duration } from "@/lib/format";
import { since, useNow } from "@/lib/now";
import { Skeleton } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Steps, type StepLine } from "@/ui/Steps";
import { isMoving, provisioningQuery, provisioningShape, type Provisioning, type Step } from "./provisioning";
import classes from "./ProvisioningPanel.module.css";

interface ProvisioningPanelProps {
  /** Runs once the environment is ready. */
  onReady: () => void;
  /** What to do next, shown when ready. */
  next: ReactNode;
}

/** Shows the environment being made, live, and says so when it is ready. */
export function ProvisioningPanel({ onReady, next }: ProvisioningPanelProps) {
  const queryClient = useQueryClient();
  const provisioning = useQuery(provisioningQuery);
  const moving = isMoving(provisioning.data);
  const stream = useStream(
    moving ? "/v1/provisioning/events" : null,
    "provisioning",
    provisioningShape,
    (message) => {
      queryClient.setQueryData(provisioningQuery.queryKey, message);
      if (message.state === "ready") onReady();
    },
  );
  usePoll(moving && isSilent(stream), 1_000, () => void provisioning.refetch({ cancelRefetch: false }));
  const away = moving && isSilent(stream) && isCutOff(provisioning);
  const now = useNow(moving, 100);

  if (provisioning.isPending) return <Skeleton height={260} radius="md" />;
  if (provisioning.isError && provisioning.data === undefined) {
    return (
      <ProblemNote
        error={provisioning.error}
        title="The state of your environment could not be read."
        onRetry={() => void provisioning.refetch()}
        retrying={provisioning.isFetching}
      />
    );
  }
  const data = provisioning.data;
  return (
    <Panel tone={data.state === "failed" ? "bad" : data.state === "ready" ? "accent" : "plain"}>
      <div className={classes.head} role="status">
        {data.state === "ready" && <CircleCheck size={20} aria-hidden className={classes.good} />}
        <p className={classes.headline}>{away ? "No connection; trying again" : headline(data, now)}</p>
      </div>
      {moving && data.waitingFor !== "" && <p className={classes.waiting}>Waiting for {data.waitingFor}</p>}
      <Steps label="Steps" steps={data.steps.map((step) => line(step, now))} />
      {data.state === "failed" && (
        <p className={classes.failed}>
          {data.error === "" ? "Setting up stopped." : data.error} We try again by ourselves; your payment and account
          are safe.
        </p>
      )}
      {data.state === "ready" && <div className={classes.next}>{next}</div>}
    </Panel>
  );
}

function headline(provisioning: Provisioning, now: number): string {
  switch (provisioning.state) {
    case "ready":
      return `Ready in ${duration(provisioning.totalMillis)}`;
    case "failed":
      return "Setting up did not finish";
    default:
      return `Setting up, ${duration(since(provisioning.startedAt, now))} so far`;
  }
}

function line(step: Step, now: number): StepLine {
  const time =
    step.state === "working"
      ? duration(since(step.startedAt, now))
      : step.state === "waiting"
        ? ""
        : duration(step.millis);
  return { key: step.name, title: step.title || step.name, state: step.state, time, detail: step.detail };
}
