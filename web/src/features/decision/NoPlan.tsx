import { CircleSlash } from "lucide-react";
import { Problem } from "@/lib/api/problem";
import { Empty } from "@/ui/Empty";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { stageTitle, type Run } from "./run";

/** A run that ended without anything to show: stopped by hand, or broken. Says which, and what is next. */
export function NoPlan({ run }: { run: Run }) {
  const again = (
    <LinkButton to="/goal" search={run.goalId === "" ? {} : { from: run.goalId }}>
      Run again
    </LinkButton>
  );
  if (run.state === "cancelled") {
    return (
      <Panel>
        <Empty icon={<CircleSlash size={20} />} title="Stopped before a plan was found" action={again}>
          Nothing was decided, and nothing is shown in its place. The goal is kept.
        </Empty>
      </Panel>
    );
  }
  const failure = run.error;
  const broken = run.stages.find((stage) => stage.state === "failed");
  return (
    <>
      <ProblemNote
        title={broken === undefined ? "This run failed." : `This run failed at “${stageTitle(broken.stage)}”.`}
        error={
          new Problem({
            status: failure?.status ?? 0,
            code: failure === null || failure.code === "" ? "run.failed" : failure.code,
            kind: failure?.kind ?? "internal",
            message:
              failure === null || failure.detail === ""
                ? "The reason was not recorded. No plan was made up in its place."
                : failure.detail,
            retryable: failure?.retryable ?? false,
          })
        }
      />
      <div>{again}</div>
    </>
  );
}
