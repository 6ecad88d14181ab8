import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { count, list, text } from "@/lib/api/shape";
import { bytes, day, duration, number, price, roughly } from "@/lib/format";
import { moveShape, type Move } from "./moves";
import type { PlanName } from "./plans";

export const preflightShape = z.object({
  hash: z.string(),
  expiresAt: text,
  direction: z.enum(["upgrade", "downgrade", "move"]),
  fromPlan: text,
  toPlan: text,
  interval: text,
  changes: list(z.object({ what: z.string(), before: text, after: text })),
  price: z.object({
    currency: z.pipe(
      text,
      z.transform((read) => read.toUpperCase()),
    ),
    dueTodayCents: count,
    creditTodayCents: count,
    atRenewalCents: count,
    renewsAt: text,
    lines: list(z.object({ text: text, cents: count })),
  }),
  moves: z.object({ documents: count, bytes: count, decisions: count, files: count, tables: list(z.string()) }),
  expectedSeconds: count,
  expectedPauseMillis: count,
  goBack: text,
  excess: list(z.object({ what: z.string(), have: count, allowed: count, becomes: text })),
  blockers: list(z.object({ code: text, text: text, wayOut: text })),
});

/** What a change of plan would mean, worked out before anything happens. */
export type Preflight = z.output<typeof preflightShape>;
type Interval = "month" | "year";

export const preflightQuery = (plan: PlanName, interval: Interval) =>
  queryOptions({
    queryKey: ["moves", "preflight", plan, interval],
    queryFn: ({ signal }) =>
      ask(preflightShape, api.POST("/v1/moves/preflight", { body: { plan, interval }, signal })),
    // What somebody is reading changes only when they are told that it did.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

export type When = "ready" | "asked";

export function start(wish: { plan: PlanName; interval: Interval; confirm: string; when: When }): Promise<Move> {
  return ask(moveShape, api.POST("/v1/moves", { body: wish }));
}

const verbs = { upgrade: "Upgrade", downgrade: "Downgrade", move: "Move" } as const;

/** The button that starts it, as long as it cannot be pressed. */
export function startVerb({ direction }: Preflight): string {
  return verbs[direction];
}

/** The button that starts it: what happens, and for how much. */
export function startWords({ direction, price: sum }: Preflight, when: When): string {
  const due = price(sum.dueTodayCents / 100, sum.currency);
  const credit = price(sum.creditTodayCents / 100, sum.currency);
  const verb = verbs[direction];
  if (when === "ready") {
    if (sum.dueTodayCents > 0) return `${verb} now and pay ${due} when the copy is verified`;
    if (sum.creditTodayCents > 0) return `${verb} now and get ${credit} credited when the copy is verified`;
    return `${verb} now; nothing to pay today`;
  }
  if (sum.dueTodayCents > 0) return `Start the copy now and pay ${due} when I press the button`;
  if (sum.creditTodayCents > 0) return `Start the copy now and get ${credit} credited when I press the button`;
  return "Start the copy now; nothing to pay";
}

/** What is different now from what was shown before, a sentence each. */
export function differences(before: Preflight, after: Preflight): string[] {
  const was = (name: string, now: string, then: string) => (now === then ? [] : [`${name}: ${now}, was ${then}.`]);
  const sum = (of: Preflight, cents: number) => price(cents / 100, of.price.currency);
  return [
    ...was("To pay today", sum(after, after.price.dueTodayCents), sum(before, before.price.dueTodayCents)),
    ...was("Credit", sum(after, after.price.creditTodayCents), sum(before, before.price.creditTodayCents)),
    ...was("From the renewal on", sum(after, after.price.atRenewalCents), sum(before, before.price.atRenewalCents)),
    ...was("Renewal", day(after.price.renewsAt), day(before.price.renewsAt)),
    ...rows(before.changes, after.changes, (row) => `${row.before} becomes ${row.after}`),
    ...was("Documents to move", number(after.moves.documents), number(before.moves.documents)),
    ...was("Size", bytes(after.moves.bytes), bytes(before.moves.bytes)),
    ...was("Decisions to move", number(after.moves.decisions), number(before.moves.decisions)),
    ...was("Files to move", number(after.moves.files), number(before.moves.files)),
    ...was("Expected to take", roughly(after.expectedSeconds), roughly(before.expectedSeconds)),
    ...was("Expected pause of writes", duration(after.expectedPauseMillis), duration(before.expectedPauseMillis)),
    ...rows(before.excess, after.excess, (row) => `${number(row.have)} of ${number(row.allowed)}`),
    ...after.blockers
      .filter((blocker) => !before.blockers.some((known) => known.code === blocker.code))
      .map((blocker) => `New obstacle: ${blocker.text}`),
    ...before.blockers
      .filter((blocker) => !after.blockers.some((left) => left.code === blocker.code))
      .map((blocker) => `No obstacle any more: ${blocker.text}`),
  ];
}

function rows<T extends { what: string }>(before: T[], after: T[], say: (row: T) => string): string[] {
  const known = new Map(before.map((row) => [row.what, say(row)]));
  const left = new Set(after.map((row) => row.what));
  return [
    ...after.flatMap((row) => {
      const then = known.get(row.what);
      if (then === say(row)) return [];
      return [`${row.what}: ${say(row)}${then === undefined ? "" : `, was: ${then}`}.`];
    }),
    ...before.filter((row) => !left.has(row.what)).map((row) => `${row.what}: no longer in the list.`),
  ];
}
