import type { UseQueryResult } from "@tanstack/react-query";
import type * as z from "zod/mini";
import { useEffect, useEffectEvent, useState } from "react";
import { readAs } from "./client";

export type StreamState = "connecting" | "live" | "interrupted" | "lost";

/**
 * Listens to a stream of server-sent events for as long as the component lives
 * and `address` is not null, and hands each readable message on. The browser
 * reconnects by itself: "interrupted" means that it is trying, "lost" that it
 * gave up. In both the caller should poll.
 */
export function useStream<T extends z.core.$ZodType>(
  address: string | null,
  event: string,
  shape: T,
  onMessage: (message: z.output<T>) => void,
): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  const receive = useEffectEvent((raw: MessageEvent<string>) => {
    let message: z.output<T>;
    try {
      message = readAs(shape, JSON.parse(raw.data));
    } catch {
      // A message this page cannot read is as good as none: ask instead.
      setState("lost");
      return;
    }
    setState("live");
    onMessage(message);
  });

  useEffect(() => {
    if (address === null) return;
    const source = new EventSource(address);
    const onEvent = (raw: Event) => receive(raw as MessageEvent<string>);
    const onError = () => setState(source.readyState === EventSource.CLOSED ? "lost" : "interrupted");
    source.addEventListener(event, onEvent);
    source.addEventListener("error", onError);
    return () => {
      source.removeEventListener(event, onEvent);
      source.removeEventListener("error", onError);
      source.close();
    };
  }, [address, event]);

  return state;
}

/** True when the stream brings nothing, so that asking is the way to know. */
export function isSilent(stream: StreamState): boolean {
  return stream === "interrupted" || stream === "lost";
}

/** True when asking brings nothing either: the last answer did not come, or the browser knows that it is offline. */
export function isCutOff(query: Pick<UseQueryResult, "isRefetchError" | "failureCount" | "fetchStatus">): boolean {
  return query.isRefetchError || query.failureCount > 0 || query.fetchStatus === "paused";
}

/** Asks again and again while `on`: the way on when a stream is lost. `every` is in milliseconds. */
export function usePoll(on: boolean, every: number, ask: () => void): void {
  const again = useEffectEvent(ask);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => again(), every);
    return () => clearInterval(timer);
  }, [on, every]);
}
