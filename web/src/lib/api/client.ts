import createClient from "openapi-fetch";
import * as z from "zod/mini";
import { offline, problemOf, Problem, unreachable, unreadable } from "./problem";
import type { paths } from "./schema";

/** The typed client: addresses, parameters and bodies come from the OpenAPI document. */
export const api = createClient<paths>({
  baseUrl: "",
  credentials: "same-origin",
  // Looked up at each call, not once at the start.
  fetch: (request) => (navigator.onLine ? globalThis.fetch(request) : Promise.reject(offline())),
});

interface Answer {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/** Waits for an answer and throws a Problem unless it is a success. */
export async function settle(asked: Promise<Answer>): Promise<unknown> {
  let answer: Answer;
  try {
    answer = await asked;
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    if (cause instanceof SyntaxError) throw unreadable("not JSON");
    throw unreachable();
  }
  if (!answer.response.ok) throw problemOf(answer.response.status, answer.error);
  return answer.data;
}

/** Waits for an answer and reads it by its shape: the only door data comes in by. */
export async function ask<T extends z.core.$ZodType>(shape: T, asked: Promise<Answer>): Promise<z.output<T>> {
  return readAs(shape, await settle(asked));
}

/** Reads a value by its shape, or throws the Problem that names the first part that does not fit. */
export function readAs<T extends z.core.$ZodType>(shape: T, value: unknown): z.output<T> {
  const read = z.safeParse(shape, value);
  if (read.success) return read.data;
  const first = read.error.issues[0];
  throw unreadable(first === undefined ? "unknown part" : first.path.map(String).join(".") || "the whole");
}

/** True for the Problem that says nobody is signed in. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof Problem && error.status === 401;
}
