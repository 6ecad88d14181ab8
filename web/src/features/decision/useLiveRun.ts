import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isCutOff, isSilent, usePoll, useStream } from "@/lib/api/stream";
import { isUnderWay, resultKey, runQuery, runShape, type Progress, type Run } from "./run";

/** One moment of the search: the best plan's cost so far, and what no plan can beat. */
export interface TrailPoint {
  seconds: number;
  objective: number | null;
  bound: number | null;
}

/** Watches a run to its end: by stream while there is one, by asking otherwise. */
export function useLiveRun(id: string) {
  const queryClient = useQueryClient();
  const query = useQuery(runQuery(id));
  const [trail, setTrail] = useState<TrailPoint[]>([]);
  const live = query.data !== undefined && isUnderWay(query.data);

  const onRun = (run: Run) => {
    queryClient.setQueryData(runQuery(id).queryKey, run);
    setTrail((before) => extend(before, run.progress));
    if (!isUnderWay(run)) {
      void queryClient.invalidateQueries({ queryKey: ["runs"], exact: true });
      void queryClient.invalidateQueries({ queryKey: resultKey(id) });
    }
  };
  const stream = useStream(live ? `/v1/runs/${encodeURIComponent(id)}/events` : null, "run", runShape, onRun);
  usePoll(live && isSilent(stream), 1_000, () => void query.refetch({ cancelRefetch: false }));

  return { query, trail, away: live && isSilent(stream) && isCutOff(query) };
}

/** The trail with a progress report added; reports without a search in them change nothing. */
export function extend(trail: TrailPoint[], progress: Progress | null): TrailPoint[] {
  if (progress === null || progress.stage !== "solve") return trail;
  const objective = known(progress.objective);
  const bound = known(progress.bound);
  if (objective === null && bound === null) return trail;
  const last = trail.at(-1);
  if (last !== undefined && progress.elapsedSeconds <= last.seconds) return trail;
  return [...trail, { seconds: progress.elapsedSeconds, objective, bound }];
}

function known(value: number | null | undefined): number | null {
  return value == null || !Number.isFinite(value) ? null : value;
}
