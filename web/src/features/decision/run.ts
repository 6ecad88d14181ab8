import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { looseGoalShape } from "@/lib/api/goal";
import { count, list, maybe, text } from "@/lib/api/shape";
import { number } from "@/lib/format";

const stageShape = z.object({
  stage: z.string(),
  state: z.enum(["waiting", "working", "done", "failed"]),
  seconds: count,
});

const progressShape = z.object({
  stage: text,
  done: count,
  total: count,
  elapsedSeconds: count,
  objective: z.optional(z.nullable(z.number())),
  bound: z.optional(z.nullable(z.number())),
  gap: z.optional(z.nullable(z.number())),
  nodes: count,
});

const failureShape = z.object({
  code: text,
  kind: text,
  detail: text,
  status: count,
  retryable: z.optional(z.boolean()),
});

export const runShape = z.object({
  id: z.string(),
  goalId: text,
  title: text,
  goal: maybe(looseGoalShape),
  state: z.enum(["queued", "running", "canceling", "done", "failed", "cancelled"]),
  status: text,
  headline: text,
  stage: text,
  stages: list(stageShape),
  progress: maybe(progressShape),
  attempts: count,
  createdAt: text,
  startedAt: text,
  finishedAt: text,
  error: maybe(failureShape),
});

/** One attempt to make a decision. */
export type Run = z.output<typeof runShape>;
export type Progress = z.output<typeof progressShape>;

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["runs", id],
    queryFn: ({ signal }) => ask(runShape, api.GET("/v1/runs/{id}", { params: { path: { id } }, signal })),
  });

export const runsQuery = infiniteQueryOptions({
  queryKey: ["runs"],
  queryFn: ({ signal, pageParam }) =>
    ask(
      z.object({ runs: list(runShape), next: text }),
      api.GET("/v1/runs", { params: { query: pageParam === "" ? {} : { after: pageParam } }, signal }),
    ),
  initialPageParam: "",
  getNextPageParam: (last) => (last.next === "" ? undefined : last.next),
  // A list with something under way looks again by itself.
  refetchInterval: (query) =>
    query.state.data?.pages.some((page) => page.runs.some((run) => isUnderWay(run))) === true ? 2_000 : false,
});

/** Where the result of a run is kept in the cache. */
export function resultKey(run: string) {
  return ["runs", run, "result"] as const;
}

export function startRun(goalId: string, key: string): Promise<Run> {
  return ask(
    runShape,
    api.POST("/v1/runs", { body: { goalId }, params: { header: { "Idempotency-Key": key } } }),
  );
}

export function cancelRun(id: string): Promise<Run> {
  return ask(runShape, api.POST("/v1/runs/{id}/cancel", { params: { path: { id } } }));
}

export function isUnderWay(run: Run): boolean {
  return run.state === "queued" || run.state === "running" || run.state === "canceling";
}

/** True when the run ended with something to look at: a plan, or why there is none. */
export function hasResult(run: Run): boolean {
  return run.state === "done" || (run.state === "cancelled" && hasPlan(run.status));
}

export function hasPlan(status: string): boolean {
  return status === "optimal" || status === "feasible";
}

export type Tone = "good" | "attention" | "bad" | "quiet" | "busy";

// Up to this gap a plan that is not proven to be the best is still called good.
const goodGap = 0.05;

/**
 * What became of a run, in a few words and a tone. `gap` is how far its plan is
 * from the best at most, as a share; null when that is not known.
 */
export function verdict(run: Pick<Run, "state" | "status">, gap: number | null): { text: string; tone: Tone } {
  switch (run.state) {
    case "queued":
      return { text: "Waiting", tone: "busy" };
    case "running":
      return { text: "Working", tone: "busy" };
    case "canceling":
      return { text: "Stopping", tone: "busy" };
    case "failed":
      return { text: "Failed", tone: "bad" };
    case "cancelled":
      return hasPlan(run.status)
        ? { text: "Stopped, plan kept", tone: "attention" }
        : { text: "Stopped", tone: "quiet" };
    case "done":
      return verdictOfStatus(run.status, gap);
  }
}

function verdictOfStatus(status: string, gap: number | null): { text: string; tone: Tone } {
  switch (status) {
    case "optimal":
      return { text: "Best plan", tone: "good" };
    case "feasible":
      if (gap === null) return { text: "Plan, not proven", tone: "attention" };
      if (gap <= goodGap) return { text: `Good plan: up to ${most(gap)} from the best`, tone: "good" };
      return { text: `Plan, not proven: up to ${most(gap)} from the best`, tone: "attention" };
    case "infeasible_proven":
      return { text: "Not possible", tone: "attention" };
    case "no_solution_found":
      return { text: "Nothing found in time", tone: "attention" };
    case "cancelled":
      return { text: "Stopped", tone: "quiet" };
    default:
      return { text: "No plan", tone: "bad" };
  }
}

// Rounded up, since it says "up to".
function most(gap: number): string {
  const places = gap <= goodGap ? 10 : 1;
  return `${number(Math.ceil(gap * 100 * places - 1e-6) / places, 1)} %`;
}

const stageTitles: Record<string, string> = {
  forecast: "Forecast demand",
  compile: "Build the model",
  solve: "Search for the best plan",
  check: "Check every rule",
  diagnose: "Find out why",
  explain: "Explain",
};

/** A stage in the customer's words. */
export function stageTitle(stage: string): string {
  return stageTitles[stage] ?? stage;
}
