import { useQuery, useQueryClient } from "@tanstack/react-query";
import { isCutOff, isSilent, usePoll, useStream } from "@/lib/api/stream";
import { keep, moveQuery, moveShape } from "./moves";

/** Watches the current move to its end: by stream while there is one, by asking otherwise. */
export function useLiveMove() {
  const queryClient = useQueryClient();
  const query = useQuery(moveQuery);
  const live = query.data != null && !query.data.over;
  const stream = useStream(live ? "/v1/moves/current/events" : null, "move", moveShape, (move) =>
    keep(queryClient, move),
  );
  usePoll(live && isSilent(stream), 1_000, () => void query.refetch({ cancelRefetch: false }));
  // A colleague, or another tab, may begin one while nobody streams.
  usePoll(query.isSuccess && !live, 5_000, () => void query.refetch({ cancelRefetch: false }));
  return { query, away: live && isSilent(stream) && isCutOff(query) };
}
