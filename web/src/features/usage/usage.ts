import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { count, list, text } from "@/lib/api/shape";

export const usageShape = z.object({
  decisions: z.object({
    used: count,
    limit: count,
    periodStart: text,
    periodEnd: text,
    forecast: count,
    days: list(z.object({ day: z.string(), used: count })),
  }),
  locations: z.object({ used: count, limit: count, names: list(z.string()) }),
});

/** What is used of what the plan allows. A limit of 0 is none. */
export type Usage = z.output<typeof usageShape>;

export const usageQuery = queryOptions({
  queryKey: ["usage"],
  queryFn: ({ signal }) => ask(usageShape, api.GET("/v1/usage", { signal })),
  staleTime: 10_000,
});

/** Whether there is a place where usage is counted. */
export function hasUsage(session: { access: string; provisioning: string }): boolean {
  return session.access !== "none" && session.provisioning === "ready";
}

export type Level = "fine" | "near" | "full";

/** How near the limit is: from 80 per cent on it is worth a word. */
export function levelOf(used: number, limit: number): Level {
  if (limit === 0 || used * 100 < limit * 80) return "fine";
  return used < limit ? "near" : "full";
}
