import { queryOptions, type QueryClient } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { Problem } from "@/lib/api/problem";
import { count, flag, list, maybe, text } from "@/lib/api/shape";
import { percent } from "@/lib/format";
import type { TagTone } from "@/ui/Tag";

/** What a field of a row holds: a text stays one, anything else is shown as JSON. */
const value = z.pipe(
  z.unknown(),
  z.transform((read): string => (typeof read === "string" ? read : read === undefined ? "" : JSON.stringify(read))),
);

const stageShape = z.object({
  name: z.string(),
  title: text,
  state: z.enum(["waiting", "working", "done", "failed", "skipped"]),
  startedAt: text,
  millis: count,
  detail: text,
});

const actionShape = z.object({
  name: z.enum(["pause", "resume", "switch", "abort", "roll_back", "accept", "retry", "clean"]),
  title: text,
  confirm: text,
});

const pauseShape = z.object({ millis: count, attempts: count, at: text });

export const moveShape = z.object({
  id: z.string(),
  direction: z.enum(["upgrade", "downgrade", "move"]),
  fromPlan: text,
  toPlan: text,
  state: z.enum([
    "requested",
    "provisioning",
    "copying",
    "verifying",
    "rehearsing",
    "ready",
    "charging",
    "cutting",
    "switched",
    "accepted",
    "cleaned",
    "aborting",
    "aborted",
    "failed",
    "rolling_back",
    "discarding",
    "rolled_back",
  ]),
  over: flag,
  paused: flag,
  headline: text,
  startedAt: text,
  endedAt: text,
  soakUntil: text,
  deleteAt: text,
  stages: list(stageShape),
  progress: z.object({
    percent: count,
    documentsTotal: count,
    documentsCopied: count,
    documentsVerified: count,
    bytesTotal: count,
    bytesCopied: count,
    lagEntries: count,
    etaSeconds: maybe(z.number()),
    waitingFor: text,
  }),
  collections: list(z.object({ name: z.string(), title: text, documents: count, copied: count, verified: count })),
  pause: maybe(pauseShape),
  pauseBack: maybe(pauseShape),
  parity: list(z.object({ run: z.string(), title: text, same: flag, before: text, after: text })),
  mismatches: list(z.object({ collection: text, id: text, field: text, source: value, target: value })),
  actions: list(actionShape),
  events: list(z.object({ n: z.number(), at: text, text: text, detail: text })),
  error: maybe(z.object({ code: text, detail: text })),
  proof: maybe(z.object({ deletedAt: text, environment: text, documents: count, entries: count, chain: text })),
});

/** One live move of the company, as the product last told. */
export type Move = z.output<typeof moveShape>;
export type Action = z.output<typeof actionShape>;

const moveKey = ["moves", "current"];

/** The move that is not over, else the newest one; null when there never was one. */
export const moveQuery = queryOptions({
  queryKey: moveKey,
  queryFn: async ({ signal, client }): Promise<Move | null> => {
    const next = await askForMove(client.getQueryData<Move | null>(moveKey) ?? null, signal);
    return next === null ? null : takeIn(client, next);
  },
});

// Most companies never move, and an empty list is an answer where "none" is an
// error: the current move is asked for once there is one.
async function askForMove(known: Move | null, signal: AbortSignal): Promise<Move | null> {
  if (known === null) {
    const { moves } = await ask(z.object({ moves: list(moveShape) }), api.GET("/v1/moves", { signal }));
    return moves.find((move) => !move.over) ?? moves[0] ?? null;
  }
  try {
    return await ask(moveShape, api.GET("/v1/moves/current", { signal }));
  } catch (error) {
    if (error instanceof Problem && error.code === "move.none") return null;
    throw error;
  }
}

export function act(move: string, action: Action["name"]): Promise<Move> {
  return ask(moveShape, api.POST("/v1/moves/{id}/actions", { params: { path: { id: move } }, body: { action } }));
}

/** Keeps news of the move. */
export function keep(client: QueryClient, news: Move): void {
  client.setQueryData(moveQuery.queryKey, takeIn(client, news));
}

// Settled states are those in which the company may have another plan than before.
const settled: Move["state"][] = ["switched", "accepted", "cleaned", "aborted", "failed", "rolled_back"];

// The newer of what is known and the news. A new state of a settled kind makes
// what is known of the session and of billing old.
function takeIn(client: QueryClient, news: Move): Move {
  const known = client.getQueryData<Move | null>(moveKey) ?? null;
  const move = newer(known, news);
  if (known !== null && known.state !== move.state && settled.includes(move.state)) {
    void client.invalidateQueries({ queryKey: ["session"] });
    void client.invalidateQueries({ queryKey: ["billing"] });
  }
  return move;
}

/** The later of two reports: an answer to a question may be overtaken by the stream. */
export function newer(known: Move | null, news: Move): Move {
  if (known === null || known.id !== news.id) return news;
  const before = known.events.at(-1)?.n ?? 0;
  const after = news.events.at(-1)?.n ?? 0;
  if (after !== before) return after > before ? news : known;
  return news.state === known.state && news.progress.percent < known.progress.percent ? known : news;
}

/** True while something goes on by itself, so that a second is a long time. */
export function isBusy(move: Move): boolean {
  return !move.over && !move.paused && !["ready", "switched", "accepted", "failed"].includes(move.state);
}

/** True while the move goes towards the switch or is past it: only then a share of it is done. */
export function isForward(move: Move): boolean {
  return !["failed", "aborting", "aborted", "rolling_back", "discarding", "rolled_back"].includes(move.state);
}

/** The share done, in whole per cent: 100 only when everything is. */
export function share(move: Move): string {
  return percent(Math.floor(Math.min(100, Math.max(0, move.progress.percent))) / 100, 0);
}

/** The move in two or three words for the frame of every page; null when there is nothing to say. */
export function inShort(move: Move | null): { text: string; tone: TagTone } | null {
  if (move === null || move.over || move.state === "accepted") return null;
  if (move.paused) return { text: `Move paused, ${share(move)}`, tone: "attention" };
  switch (move.state) {
    case "failed":
      return { text: "The move failed", tone: "bad" };
    case "ready":
      return move.error === null ? { text: "Ready to switch", tone: "accent" } : { text: "The move needs you", tone: "attention" };
    case "charging":
    case "cutting":
      return { text: "Switching", tone: "busy" };
    case "switched":
      return { text: "Moved; keep it?", tone: "good" };
    case "aborting":
      return { text: "Stopping the move", tone: "busy" };
    case "rolling_back":
      return { text: "Going back", tone: "busy" };
    case "discarding":
      return { text: "Went back", tone: "busy" };
    default:
      return { text: `Moving ${share(move)}`, tone: "busy" };
  }
}
