import { queryOptions, infiniteQueryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask, settle } from "@/lib/api/client";
import { looseGoalShape } from "@/lib/api/goal";
import { count, flag, list, maybe, text } from "@/lib/api/shape";

export const kinds = ["demand", "stock", "suppliers"] as const;
export type TableKind = (typeof kinds)[number];
const kindShape = z.enum(kinds);

const tableShape = z.object({
  kind: kindShape,
  present: flag,
  rows: count,
  items: count,
  from: text,
  to: text,
  source: text,
  updatedAt: text,
  columns: list(z.string()),
  notes: list(z.string()),
});

/** One of the three tables a decision is made from. */
export type Table = z.output<typeof tableShape>;

const tablesShape = z.object({ tables: list(tableShape) });

export const tablesQuery = queryOptions({
  queryKey: ["tables"],
  queryFn: async ({ signal }) => (await ask(tablesShape, api.GET("/v1/tables", { signal }))).tables,
});

const problemsShape = z.object({
  ready: flag,
  problems: list(
    z.object({ severity: z.enum(["error", "warning"]), text: z.string(), kind: text, sku: text }),
  ),
});

export type TableProblems = z.output<typeof problemsShape>;

/** What is wrong across the tables, and whether a decision can be made from them. */
export const tableProblemsQuery = queryOptions({
  queryKey: ["tables", "problems"],
  queryFn: ({ signal }) => ask(problemsShape, api.GET("/v1/tables/problems", { signal })),
});

const formatsShape = z.object({
  formats: list(
    z.object({
      kind: kindShape,
      title: z.string(),
      description: text,
      columns: list(
        z.object({
          name: z.string(),
          title: z.string(),
          required: flag,
          kind: text,
          description: text,
          example: text,
        }),
      ),
      exampleCSV: text,
    }),
  ),
});

export type Format = z.output<typeof formatsShape>["formats"][number];

export const formatsQuery = queryOptions({
  queryKey: ["tables", "formats"],
  queryFn: async ({ signal }) => (await ask(formatsShape, api.GET("/v1/tables/formats", { signal }))).formats,
  staleTime: Infinity,
});

const rowsShape = z.object({ columns: list(z.string()), rows: list(list(z.string())), next: text });

export const rowsQuery = (kind: TableKind) =>
  infiniteQueryOptions({
    queryKey: ["tables", kind, "rows"],
    queryFn: ({ signal, pageParam }) =>
      ask(
        rowsShape,
        api.GET("/v1/tables/{kind}/rows", {
          params: { path: { kind }, query: { limit: 100, ...(pageParam === "" ? {} : { after: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => (last.next === "" ? undefined : last.next),
  });

export function removeTable(kind: TableKind): Promise<unknown> {
  return settle(api.DELETE("/v1/tables/{kind}", { params: { path: { kind } } }));
}

const samplesShape = z.object({
  samples: list(
    z.object({
      id: z.string(),
      name: z.string(),
      description: text,
      items: count,
      periods: count,
      suppliers: count,
      currency: text,
      suggestedGoal: maybe(looseGoalShape),
    }),
  ),
});

/** A ready-made business to try the product with. */
export type Sample = z.output<typeof samplesShape>["samples"][number];

export const samplesQuery = queryOptions({
  queryKey: ["samples"],
  queryFn: async ({ signal }) => (await ask(samplesShape, api.GET("/v1/samples", { signal }))).samples,
  staleTime: Infinity,
});

export async function loadSample(id: string): Promise<Table[]> {
  return (await ask(tablesShape, api.POST("/v1/samples/{id}/load", { params: { path: { id } } }))).tables;
}

const names: Record<TableKind, string> = {
  demand: "Demand history",
  stock: "Stock",
  suppliers: "Suppliers",
};

/** What a table is called on screen. */
export function nameOf(kind: TableKind): string {
  return names[kind];
}

export { tableShape };
