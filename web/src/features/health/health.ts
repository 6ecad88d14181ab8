import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { list, text } from "@/lib/api/shape";

const healthShape = z.object({
  status: text,
  mode: text,
  version: text,
  components: list(z.object({ name: z.string(), state: text, reason: text })),
});

/** What runs, and what does not and why. */
export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: ({ signal }) => ask(healthShape, api.GET("/health", { signal })),
  refetchInterval: 15_000,
});
