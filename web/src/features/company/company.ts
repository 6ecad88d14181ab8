import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask, settle } from "@/lib/api/client";
import { flag, list, text } from "@/lib/api/shape";

const companyShape = z.object({
  id: z.string(),
  name: text,
  created: text,
  status: text,
  deleteAt: text,
});

export type Company = z.output<typeof companyShape>;

export const companyQuery = queryOptions({
  queryKey: ["company"],
  queryFn: ({ signal }) => ask(companyShape, api.GET("/v1/company", { signal })),
});

const mineShape = z.object({
  tenants: list(z.object({ id: z.string(), name: text, role: text, status: text, current: flag })),
});

/** The companies of the person in front of the screen. */
export const mineQuery = queryOptions({
  queryKey: ["tenants"],
  queryFn: async ({ signal }) => (await ask(mineShape, api.GET("/v1/tenants", { signal }))).tenants,
  staleTime: 60_000,
});

export function rename(name: string): Promise<unknown> {
  return settle(api.PATCH("/v1/company", { body: { name } }));
}

export function closeCompany(name: string): Promise<unknown> {
  return settle(api.POST("/v1/company/close", { body: { name } }));
}

export function reopenCompany(): Promise<unknown> {
  return settle(api.POST("/v1/company/reopen", {}));
}

export function choose(tenant: string): Promise<unknown> {
  return settle(api.POST("/v1/session/tenant", { body: { tenant } }));
}

export function found(name: string): Promise<unknown> {
  return settle(api.POST("/v1/tenants", { body: { name } }));
}

/** Where the browser saves the export from. */
export const exportAddress = "/v1/company/export";
