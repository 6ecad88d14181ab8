import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { GoalEditor } from "@/features/decision/GoalEditor";
import { withChange } from "@/features/decision/goalForm";
import { goalQuery, templatesQuery } from "@/features/decision/goals";
import { samplesQuery, tableProblemsQuery } from "@/features/tables/tables";
import { defaultGoal } from "@/lib/api/goal";
import { Empty } from "@/ui/Empty";
import { Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";

const route = getRouteApi("/frame/goal");

export function GoalPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const templates = useQuery(templatesQuery);
  const saved = useQuery({ ...goalQuery(search.from ?? ""), enabled: search.from !== undefined });
  const samples = useQuery({ ...samplesQuery, enabled: search.sample !== undefined });
  const problems = useQuery(tableProblemsQuery);

  const waiting =
    templates.isPending ||
    (search.from !== undefined && saved.isPending) ||
    (search.sample !== undefined && samples.isPending);
  const template =
    templates.data?.find((candidate) => candidate.id === saved.data?.template) ?? templates.data?.[0];
  const sample = samples.data?.find((candidate) => candidate.id === search.sample);

  const before = saved.data?.goal ?? sample?.suggestedGoal ?? defaultGoal;
  const goal =
    search.field !== undefined && search.value !== undefined ? withChange(before, search.field, search.value) : before;

  return (
    <Page
      width="narrow"
      title="New decision"
      lead={
        search.field !== undefined
          ? "The goal of the earlier decision with the proposed change filled in."
          : "Say what you want to achieve; the plan, the reasons and the proof come from there."
      }
    >
      {problems.data?.ready === false && (
        <Panel tone="attention">
          <Empty title="The data is not ready yet" action={<LinkButton to="/data">Go to the data</LinkButton>}>
            {problems.data.problems.find((problem) => problem.severity === "error")?.text ??
              "A decision needs demand history, stock and suppliers."}
          </Empty>
        </Panel>
      )}
      {waiting && (
        <>
          <Skeleton height={170} radius="md" />
          <Skeleton height={380} radius="md" />
        </>
      )}
      {templates.isError && (
        <ProblemNote error={templates.error} title="The templates could not be read." onRetry={() => void templates.refetch()} />
      )}
      {saved.isError && (
        <ProblemNote error={saved.error} title="The earlier goal could not be read." onRetry={() => void saved.refetch()} />
      )}
      {!waiting && template !== undefined && !saved.isError && (
        <GoalEditor
          key={JSON.stringify(search)}
          template={template}
          start={{ goal, title: saved.data?.title ?? "", text: search.field === undefined ? (saved.data?.text ?? "") : "" }}
          onStarted={(run) => void navigate({ to: "/decisions/$run", params: { run: run.id } })}
        />
      )}
    </Page>
  );
}
