import * as z from "zod/mini";

// Shapes are read without generated code: the page's policy forbids it.
z.config({ jitless: true });

// Building blocks for reading answers. The product may leave an empty list, text
// or number out, or send null for it; screens should not have to care.

/** A list; absent and null are an empty one. */
export function list<T extends z.core.$ZodType>(item: T) {
  return z.pipe(
    z.nullish(z.array(item)),
    z.transform((read): z.output<T>[] => read ?? []),
  );
}

/** A text; absent and null are "". */
export const text = z.pipe(
  z.nullish(z.string()),
  z.transform((read) => read ?? ""),
);

/** A number; absent and null are 0. */
export const count = z.pipe(
  z.nullish(z.number()),
  z.transform((read) => read ?? 0),
);

/** A yes or no; absent and null are no. */
export const flag = z.pipe(
  z.nullish(z.boolean()),
  z.transform((read) => read ?? false),
);

/** A part that may be missing; absent and null are null. */
export function maybe<T extends z.core.$ZodType>(part: T) {
  return z.pipe(
    z.nullish(part),
    z.transform((read): z.output<T> | null => read ?? null),
  );
}

/** A map of texts to something; absent and null are empty. */
export function table<T extends z.core.$ZodType>(value: T) {
  return z.pipe(
    z.nullish(z.record(z.string(), value)),
    z.transform((read): Record<string, z.output<T>> => read ?? {}),
  );
}
