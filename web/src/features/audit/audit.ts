import { infiniteQueryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { count, flag, list, maybe, text } from "@/lib/api/shape";

const entryShape = z.object({
  slot: count,
  event: z.string(),
  at: text,
  noted: text,
  actor: maybe(z.object({ person: text, email: text, via: text, staff: text, origin: text })),
  action: z.string(),
  title: text,
  target: text,
  result: z.enum(["done", "refused", "failed"]),
  before: z.optional(z.unknown()),
  after: z.optional(z.unknown()),
  data: z.optional(z.unknown()),
  hash: text,
});

export const pageShape = z.object({
  entries: list(entryShape),
  next: text,
  actions: list(z.object({ action: z.string(), title: text })),
});

/** One thing that happened. */
export type Entry = z.output<typeof entryShape>;

export const filterShape = z.object({
  actor: z.optional(z.catch(z.string(), "")),
  action: z.optional(z.catch(z.string(), "")),
  /** Days, both of which count. */
  from: z.optional(z.catch(z.string(), "")),
  to: z.optional(z.catch(z.string(), "")),
});

/** What the address says is wanted. */
export type Filter = z.output<typeof filterShape>;

/** The moment a day begins for the reader, or nothing for what is no day. */
export function beginning(day: string | undefined, later = 0): string | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? "");
  if (parts === null) return undefined;
  const read = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + later);
  return Number.isNaN(read.getTime()) ? undefined : read.toISOString();
}

/** The filter without what is empty, as it stands in an address. */
export function tidy(filter: Filter): Filter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ""));
}

export function entriesQuery(filter: Filter) {
  const wanted = tidy(filter);
  return infiniteQueryOptions({
    queryKey: ["audit", wanted],
    queryFn: ({ pageParam, signal }) =>
      ask(
        pageShape,
        api.GET("/v1/audit", {
          signal,
          params: {
            query: {
              ...(wanted.actor === undefined ? {} : { actor: wanted.actor }),
              ...(wanted.action === undefined ? {} : { action: wanted.action }),
              ...(beginning(wanted.from) === undefined ? {} : { from: beginning(wanted.from) }),
              ...(beginning(wanted.to) === undefined ? {} : { to: beginning(wanted.to, 1) }),
              ...(pageParam === "" ? {} : { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => (last.next === "" ? undefined : last.next),
  });
}

const checkShape = z.object({
  ok: flag,
  entries: count,
  hash: text,
  vouched: count,
  slot: count,
  why: text,
  keys: list(z.object({ id: text, public: text })),
});

/** What a check of the whole log found. */
export type LogCheck = z.output<typeof checkShape>;

export function checkLog(): Promise<LogCheck> {
  return ask(checkShape, api.GET("/v1/audit/verify"));
}

/** Whether somebody with this role may see the log. */
export function mayAudit(role: string): boolean {
  return ["owner", "admin", "auditor"].includes(role);
}
