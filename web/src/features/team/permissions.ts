import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { list, text } from "@/lib/api/shape";

const shape = z.object({
  permissions: list(z.object({ resource: text, action: text, roles: list(z.string()) })),
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
