import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask, settle } from "@/lib/api/client";
import { count, flag, list, text } from "@/lib/api/shape";

const keyShape = z.object({
  id: z.string(),
  name: text,
  end: text,
  email: text,
  scopes: list(z.string()),
  networks: list(z.string()),
  made: text,
  expires: text,
  used: text,
  state: z.enum(["live", "ended"]),
  ended: text,
  reason: text,
});

/** One API key, without the key itself. */
export type Key = z.output<typeof keyShape>;

const keysShape = z.object({
  keys: list(keyShape),
  /** Whether the plan has the API. */
  api: flag,
  /** Whether this person may make and revoke keys. */
  manage: flag,
  grantable: list(z.string()),
  days: count,
  maxDays: count,
  live: count,
});

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: ({ signal }) => ask(keysShape, api.GET("/v1/keys", { signal })),
});

const madeShape = z.object({ key: keyShape, text: z.string() });

/** A key that was just made: the only time its text is known. */
export type Made = z.output<typeof madeShape>;

export interface Wish {
  name: string;
  scopes: string[];
  days: number;
  networks: string[];
}

export function makeKey(wish: Wish): Promise<Made> {
  return ask(madeShape, api.POST("/v1/keys", { body: wish }));
}

export function rotateKey(id: string): Promise<Made> {
  return ask(madeShape, api.POST("/v1/keys/{id}/rotate", { params: { path: { id } } }));
}

export function revokeKey(id: string): Promise<unknown> {
  return settle(api.DELETE("/v1/keys/{id}", { params: { path: { id } } }));
}

const programShape = z.object({ id: z.string(), client: text, origin: text, started: text, used: text, ends: text });

/** A program that is signed in as this person. */
export type Program = z.output<typeof programShape>;

export const programsQuery = queryOptions({
  queryKey: ["programs"],
  queryFn: async ({ signal }) => (await ask(z.object({ programs: list(programShape) }), api.GET("/v1/programs", { signal }))).programs,
});

export function endProgram(id: string): Promise<unknown> {
  return settle(api.DELETE("/v1/programs/{id}", { params: { path: { id } } }));
}

/** Why a key ended, in words that follow "ended". */
export function whyEnded(key: Key): string {
  if (key.reason === "expired") return "too old";
  if (key.reason === "maker left") return "its maker left";
  return "revoked";
}

/** Scopes by what they are about, in the order they come. */
export function byResource(scopes: string[]): { resource: string; scopes: { scope: string; action: string }[] }[] {
  const groups = new Map<string, { scope: string; action: string }[]>();
  for (const scope of scopes) {
    const [resource = scope, action = ""] = scope.split(":");
    groups.set(resource, [...(groups.get(resource) ?? []), { scope, action }]);
  }
  return [...groups].map(([resource, within]) => ({ resource, scopes: within }));
}

/** Networks as people type them: one a line, or with commas between. */
export function readNetworks(typed: string): string[] {
  return typed
    .split(/[\s,]+/)
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
