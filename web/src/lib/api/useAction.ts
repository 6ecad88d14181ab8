import { useMutation, type UseMutationOptions, type UseMutationResult } from "@tanstack/react-query";
import { useCallback, useRef } from "react";

/**
 * A mutation that a press starts: it runs once at a time, so that the second press of
 * a double click sends nothing, and it never waits for a connection, so that nothing
 * happens later than it was asked for.
 */
export function useAction<Data, Variables = void>(
  options: UseMutationOptions<Data, Error, Variables>,
): UseMutationResult<Data, Error, Variables> {
  const running = useRef(false);
  const mutation = useMutation<Data, Error, Variables>({
    ...options,
    networkMode: "always",
    onSettled: (...settled) => {
      running.current = false;
      return options.onSettled?.(...settled);
    },
  });
  const { mutate } = mutation;
  const once = useCallback<typeof mutate>(
    (...pressed) => {
      if (running.current) return;
      running.current = true;
      mutate(...pressed);
    },
    [mutate],
  );
  return { ...mutation, mutate: once };
}
