import { isUnfetched, unfetched } from "./problem";

/**
 * Wraps the import of a page's code, so that a missing connection is a Problem
 * like everywhere else. The router would answer the bare error with a reload,
 * which without a connection leaves the portal altogether.
 */
export function fetched<T>(load: () => Promise<T>): () => Promise<T> {
  return async () => {
    try {
      return await load();
    } catch (cause) {
      throw cause instanceof Error && isUnfetched(cause) ? unfetched() : cause;
    }
  };
}
