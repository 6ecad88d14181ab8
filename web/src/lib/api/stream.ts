import type * as z from "zod/mini";
import { useEffect, useEffectEvent, useState } from "react";
import { readAs } from "./client";

export type StreamState = "connecting" | "live" | "lost";

/**
 * Listens to a stream of server-sent events for as long as the component lives
 * and `address` is not null, and hands each readable message on. The browser
 * reconnects by itself; "lost" means it gave up, and the caller should poll.
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
    const onError = () => setState(source.readyState === EventSource.CLOSED ? "lost" : "connecting");
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

/** Asks again and again while `on`: the way on when a stream is lost. `every` is in milliseconds. */
export function usePoll(on: boolean, every: number, ask: () => void): void {
  const again = useEffectEvent(ask);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => again(), every);
    return () => clearInterval(timer);
  }, [on, every]);
}
