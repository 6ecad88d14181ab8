import { queryOptions, useQuery } from "@tanstack/react-query";
import * as z from "zod/mini";
import { sessionQuery } from "./session";
import { api, ask } from "@/lib/api/client";
import { list, text } from "@/lib/api/shape";

const shape = z.object({
  permissions: list(z.object({ resource: text, action: text, roles: list(z.string()) })),
  roles: list(z.object({ role: z.string(), name: text, summary: text, grants: list(z.string()) })),
});

/** Which role may do what, as the product itself goes by. */
export type Table = z.output<typeof shape>;

export const permissionsQuery = queryOptions({
  queryKey: ["permissions"],
  queryFn: ({ signal }) => ask(shape, api.GET("/v1/permissions", { signal })),
  staleTime: 5 * 60_000,
});

/** Whether a role may take an action on a resource. */
export function may(table: Table | undefined, role: string, resource: string, action: string): boolean {
  return table?.permissions.some((one) => one.resource === resource && one.action === action && one.roles.includes(role)) ?? false;
}

/** Whether the person in front of the screen may; no until it is known, and while they are restricted to reading. */
export function useMay(resource: string, action: string): boolean {
  const session = useQuery(sessionQuery).data ?? null;
  const table = useQuery({ ...permissionsQuery, enabled: session !== null }).data;
  const reading = action === "read" || action === "export";
  return session !== null && (reading || session.restriction === null) && may(table, session.role, resource, action);
}

/** A role as it is written on the screen. */
export function nameOfRole(table: Table | undefined, role: string): string {
  return table?.roles.find((one) => one.role === role)?.name ?? role;
}
