import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { looseGoalShape, type Goal } from "@/lib/api/goal";
import { count, list, text } from "@/lib/api/shape";

const optionShape = z.union([z.string(), z.object({ value: z.string(), title: text })]);

const fieldShape = z.object({
  name: z.string(),
  title: z.string(),
  kind: text,
  unit: text,
  default: z.unknown(),
  min: z.optional(z.nullable(z.number())),
  max: z.optional(z.nullable(z.number())),
  options: list(optionShape),
  help: text,
});

const templateShape = z.object({
  id: z.string(),
  name: z.string(),
  description: text,
  examples: list(z.string()),
  fields: list(fieldShape),
});

/** A kind of decision the product knows how to make. */
export type Template = z.output<typeof templateShape>;
export type Field = z.output<typeof fieldShape>;

export const templatesQuery = queryOptions({
  queryKey: ["templates"],
  queryFn: async ({ signal }) =>
    (await ask(z.object({ templates: list(templateShape) }), api.GET("/v1/templates", { signal }))).templates,
  staleTime: Infinity,
});

const matchShape = z.object({
  template: text,
  goal: looseGoalShape,
  understood: list(z.object({ phrase: text, field: text, value: z.unknown(), text })),
  notUnderstood: list(z.string()),
  confidence: count,
});

/** What the product read out of plain words. */
export type Match = z.output<typeof matchShape>;

export function matchGoal(words: string): Promise<Match> {
  return ask(matchShape, api.POST("/v1/goals/match", { body: { text: words } }));
}

const savedGoalShape = z.object({
  id: z.string(),
  title: text,
  text,
  template: text,
  goal: looseGoalShape,
  createdAt: text,
});

export type SavedGoal = z.output<typeof savedGoalShape>;

export const goalQuery = (id: string) =>
  queryOptions({
    queryKey: ["goals", id],
    queryFn: ({ signal }) => ask(savedGoalShape, api.GET("/v1/goals/{id}", { params: { path: { id } }, signal })),
    staleTime: Infinity,
  });

export function saveGoal(goal: { title: string; text: string; template: string; goal: Goal }): Promise<SavedGoal> {
  const { skus, ...rest } = goal.goal;
  // No list means all items; the API has no null for that.
  return ask(savedGoalShape, api.POST("/v1/goals", { body: { ...goal, goal: skus == null ? rest : { ...rest, skus } } }));
}

