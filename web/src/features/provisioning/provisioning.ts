import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { count, list, text } from "@/lib/api/shape";

const stepShape = z.object({
  name: z.string(),
  title: text,
  state: z.enum(["waiting", "working", "done", "failed"]),
  startedAt: text,
  millis: count,
  detail: text,
});

export const provisioningShape = z.object({
  state: z.enum(["requested", "placed", "creating", "verifying", "ready", "failed"]),
  steps: list(stepShape),
  waitingFor: text,
  startedAt: text,
  readyAt: text,
  totalMillis: count,
  error: z.pipe(
    z.nullish(z.union([z.string(), z.object({ detail: text })])),
    z.transform((read): string => (read == null ? "" : typeof read === "string" ? read : read.detail)),
  ),
});

/** How far a company's environment is. */
export type Provisioning = z.output<typeof provisioningShape>;
export type Step = z.output<typeof stepShape>;

export const provisioningQuery = queryOptions({
  queryKey: ["provisioning"],
  queryFn: ({ signal }) => ask(provisioningShape, api.GET("/v1/provisioning", { signal })),
});

/** True while something can still change. */
export function isMoving(provisioning: Provisioning | undefined): boolean {
  return provisioning === undefined || (provisioning.state !== "ready" && provisioning.state !== "failed");
}
