import * as z from "zod/mini";
import { count, list, text } from "./shape";

/** One wrong part of a request. `line` and `column` point into an uploaded file. */
const detailShape = z.object({
  location: text,
  message: text,
  line: z.optional(z.number()),
  column: z.optional(z.string()),
});

const problemShape = z.object({
  status: count,
  title: text,
  detail: text,
  code: text,
  kind: text,
  retryable: z.optional(z.boolean()),
  errors: list(detailShape),
  present: z.optional(z.unknown()),
});

export type ProblemDetail = z.output<typeof detailShape>;

/**
 * Everything that can go wrong between the browser and the product, as one kind
 * of error. `message` is written for the person in front of the screen; `code`
 * is stable and safe to quote to support.
 */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly kind: string;
  readonly retryable: boolean;
  readonly details: ProblemDetail[];
  /** With some conflicts, what there is instead of what was thought; read it by a shape. */
  readonly present: unknown;

  constructor(what: {
    status: number;
    code: string;
    kind: string;
    message: string;
    retryable: boolean;
    details?: ProblemDetail[];
    present?: unknown;
  }) {
    super(what.message);
    this.name = "Problem";
    this.status = what.status;
    this.code = what.code;
    this.kind = what.kind;
    this.retryable = what.retryable;
    this.details = what.details ?? [];
    this.present = what.present;
  }
}

/** The product could not be reached at all. */
export function unreachable(): Problem {
  return new Problem({
    status: 0,
    code: "network.unreachable",
    kind: "unavailable",
    message: "The product did not answer. Check the connection, then try again.",
    retryable: true,
  });
}

/** The browser has no connection, so nothing left it. */
export function offline(): Problem {
  return new Problem({
    status: 0,
    code: "network.offline",
    kind: "unavailable",
    message: "There is no connection. Nothing was sent. Try again when you are online.",
    retryable: true,
  });
}

/** A part of the portal itself could not be fetched. */
export function unfetched(): Problem {
  return new Problem({
    status: 0,
    code: "network.page_not_fetched",
    kind: "unavailable",
    message: "There is no connection to the product, so this page could not be fetched. Check the connection, then try again.",
    retryable: true,
  });
}

/** The product answered, but not in the words this page knows. */
export function unreadable(what: string): Problem {
  return new Problem({
    status: 0,
    code: "portal.unreadable_answer",
    kind: "internal",
    message: `This page could not read the answer (${what}). Reload the page; if it stays, tell support.`,
    retryable: true,
  });
}

/** Makes a Problem of an error body, whatever it looks like. */
export function problemOf(status: number, body: unknown): Problem {
  const read = problemShape.safeParse(body);
  if (read.success && (read.data.detail !== "" || read.data.title !== "")) {
    const { detail, title, code, kind, retryable, errors, present } = read.data;
    return new Problem({
      status,
      code: code === "" ? `http.${status}` : code,
      kind,
      message: detail === "" ? title : detail,
      retryable: retryable ?? status >= 500,
      details: errors,
      present,
    });
  }
  return new Problem({
    status,
    code: `http.${status}`,
    kind: status >= 500 ? "unavailable" : "invalid",
    message:
      status >= 500
        ? "The product could not answer just now. Try again in a moment."
        : "The product refused this request.",
    retryable: status >= 500,
  });
}

/** True for the errors, in the words of each browser, of a script or style that could not be fetched. */
export function isUnfetched(error: Error): boolean {
  return /dynamically imported module|importing a module script failed|unable to preload css/i.test(error.message);
}

/** Any caught value as a Problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Error && isUnfetched(error)) return unfetched();
  if (error instanceof TypeError && /failed to fetch|networkerror|load failed/i.test(error.message)) return unreachable();
  return new Problem({
    status: 0,
    code: "portal.failed",
    kind: "internal",
    message: "This page ran into a mistake of its own. Reload the page; if it stays, tell support.",
    retryable: true,
  });
}
