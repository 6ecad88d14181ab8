import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask, readAs } from "@/lib/api/client";
import { problemOf, unreachable } from "@/lib/api/problem";
import { count, flag, list, table, text } from "@/lib/api/shape";
import { kinds, tableShape, type Format, type Table, type TableKind } from "./tables";

/** The most a file may hold, in bytes; the product refuses more. */
export const mostBytes = 20 * 1024 * 1024;

const uploadShape = z.object({
  id: z.string(),
  filename: text,
  bytes: count,
  encoding: text,
  delimiter: text,
  lines: count,
  columns: list(z.object({ index: z.number(), name: text, samples: list(z.string()), kind: text })),
  preview: list(list(z.string())),
  kind: z.pipe(
    z.nullish(z.enum([...kinds, ""])),
    z.transform((read): TableKind | null => (read == null || read === "" ? null : read)),
  ),
  mapping: table(z.number()),
  expiresAt: text,
});

/** A file the product has read but not yet taken over into a table. */
export type Upload = z.output<typeof uploadShape>;

/** Which column of the file feeds which field of the table. */
export type Mapping = Record<string, number>;

const markShape = z.object({ line: count, column: text, value: text, message: text });
const checkShape = z.object({
  ok: flag,
  rows: count,
  accepted: count,
  errorCount: count,
  errors: list(markShape),
  warnings: list(markShape),
  summary: table(z.unknown()),
});

/** What would happen if the upload were taken over. */
export type Check = z.output<typeof checkShape>;
export type Mark = z.output<typeof markShape>;

export const uploadQuery = (id: string) =>
  queryOptions({
    queryKey: ["uploads", id],
    queryFn: ({ signal }) => ask(uploadShape, api.GET("/v1/uploads/{id}", { params: { path: { id } }, signal })),
    staleTime: Infinity,
  });

/** How 05/06/2026 is meant; "" leaves it to the file. */
export type DateOrder = "" | "dmy" | "mdy";

/** One way to read a file: as which table, which column for which field, and how dates are meant. */
export interface Reading {
  kind: TableKind;
  mapping: Mapping;
  dateOrder: DateOrder;
}

function bodyOf({ kind, mapping, dateOrder }: Reading) {
  return { kind, mapping, ...(dateOrder === "" ? {} : { dateOrder }) };
}

/** The check of an upload under one reading of it. */
export const checkQuery = (id: string, reading: Reading) =>
  queryOptions({
    queryKey: ["uploads", id, "check", reading],
    queryFn: ({ signal }) =>
      ask(
        checkShape,
        api.POST("/v1/uploads/{id}/check", { params: { path: { id } }, body: bodyOf(reading), signal }),
      ),
  });

/** True when a date column of the file can be read day first or month first. */
export function hasSlashedDates(format: Format | undefined, upload: Upload, mapping: Mapping): boolean {
  return (format?.columns ?? []).some((field) => {
    if (field.kind !== "date" && field.kind !== "week") return false;
    const column = upload.columns.find((candidate) => candidate.index === mapping[field.name]);
    return column?.samples.some((sample) => /^\d{1,2}[-/]\d{1,2}[-/]\d{4}/.test(sample.trim())) ?? false;
  });
}

/** Sends a file as raw bytes. Not through the typed client, which would read it into JSON. */
export async function sendFile(file: File): Promise<Upload> {
  let response: Response;
  try {
    response = await fetch(`/v1/uploads?filename=${encodeURIComponent(file.name)}`, {
      method: "POST",
      body: file,
      credentials: "same-origin",
      headers: { "Content-Type": file.type === "text/csv" ? "text/csv" : "application/octet-stream" },
    });
  } catch {
    throw unreachable();
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw problemOf(response.status, body);
  return readAs(uploadShape, body);
}

export function commitUpload(id: string, reading: Reading): Promise<Table> {
  return ask(tableShape, api.POST("/v1/uploads/{id}/commit", { params: { path: { id } }, body: bodyOf(reading) }));
}

/** Required fields of a format that no column feeds. */
export function missingFields(format: Format | undefined, mapping: Mapping): string[] {
  return (format?.columns ?? [])
    .filter((column) => column.required && mapping[column.name] === undefined)
    .map((column) => column.title);
}

/** A mapping kept to the fields a format knows, by their names or titles among the file's columns. */
export function guessMapping(format: Format | undefined, upload: Upload): Mapping {
  const plain = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  const guess: Mapping = {};
  for (const field of format?.columns ?? []) {
    const suggested = upload.mapping[field.name];
    const named = upload.columns.find((c) => plain(c.name) === plain(field.name) || plain(c.name) === plain(field.title));
    if (suggested !== undefined && format?.kind === upload.kind) guess[field.name] = suggested;
    else if (named !== undefined) guess[field.name] = named.index;
  }
  return guess;
}
