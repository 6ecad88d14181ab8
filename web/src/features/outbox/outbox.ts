import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { list, text } from "@/lib/api/shape";
import { Problem } from "@/lib/api/problem";

const mailShape = z.object({ id: z.string(), to: text, subject: text, text, html: text, at: text });

export type Mail = z.output<typeof mailShape>;

/** Mail kept inside the product; null when a mail server is configured and nothing is kept. */
export const outboxQuery = queryOptions({
  queryKey: ["outbox"],
  queryFn: async ({ signal }): Promise<Mail[] | null> => {
    try {
      return (await ask(z.object({ mails: list(mailShape) }), api.GET("/v1/outbox", { signal }))).mails;
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return null;
      throw error;
    }
  },
  refetchInterval: (query) => (query.state.data === null ? false : 3_000),
});
