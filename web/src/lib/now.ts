import { useEffect, useState } from "react";

/** The present in milliseconds, drawn anew every `every` ms while `running`. */
export function useNow(running: boolean, every = 250): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [running, every]);
  return now;
}

/** Milliseconds from an ISO moment to `now`; 0 when the moment is not known or lies ahead. */
export function since(iso: string, now: number): number {
  const at = Date.parse(iso);
  return Number.isNaN(at) || at <= 0 ? 0 : Math.max(0, now - at);
}
