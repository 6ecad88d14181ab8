import * as z from "zod/mini";
import { api, ask, settle } from "@/lib/api/client";
import { text } from "@/lib/api/shape";

const wishShape = z.object({ client: text, origin: text, asked: text });

/** A program that waits for an answer to the code it shows. */
export type Wish = z.output<typeof wishShape>;

export function findWish(code: string): Promise<Wish> {
  return ask(wishShape, api.GET("/v1/device", { params: { query: { code } } }));
}

export function answerWish(code: string, allow: boolean): Promise<unknown> {
  return settle(api.POST("/v1/device/answer", { body: { code, allow } }));
}
