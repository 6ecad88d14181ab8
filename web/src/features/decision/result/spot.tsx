import { createContext, use, useEffect, useEffectEvent, useState, type ReactNode } from "react";
import { originOf, type Origin } from "../origin";

interface Asked {
  path: string;
  origin: Origin;
  /** Counts up, so that asking for the same place twice goes there twice. */
  turn: number;
}

interface Spot {
  asked: Asked | null;
  go: (path: string) => void;
}

const SpotContext = createContext<Spot>({ asked: null, go: () => undefined });

// How long a place stays marked, in milliseconds, and how many frames we wait
// for a part (a drawer, a table) that has to be opened first.
const markedFor = 2_600;
const patience = 40;

/** Lets any number on the page lead to the place its value comes from. */
export function SpotProvider({ children, onAsk }: { children: ReactNode; onAsk: (origin: Origin) => void }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const open = useEffectEvent(onAsk);

  useEffect(() => {
    if (asked === null) return;
    open(asked.origin);
    let frame = 0;
    let tries = 0;
    let unmark: (() => void) | undefined;
    const look = () => {
      const place = find(asked.path, tries > patience / 2);
      if (place !== null) unmark = mark(place);
      else if (++tries < patience) frame = requestAnimationFrame(look);
    };
    frame = requestAnimationFrame(look);
    return () => {
      cancelAnimationFrame(frame);
      unmark?.();
    };
  }, [asked]);

  const go = (path: string) =>
    setAsked((before) => ({ path, origin: originOf(path), turn: (before?.turn ?? 0) + 1 }));
  return <SpotContext value={{ asked, go }}>{children}</SpotContext>;
}

export function useSpot(): Spot {
  return use(SpotContext);
}

// The element that shows the value; after a while of looking, the nearest part
// around it will do.
function find(path: string, nearest: boolean): HTMLElement | null {
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    const place = document.querySelector<HTMLElement>(`[data-path="${CSS.escape(at)}"]`);
    if (place !== null) return place;
    if (!nearest) return null;
  }
  return null;
}

function mark(place: HTMLElement): () => void {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  place.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
  place.focus({ preventScroll: true });
  place.dataset["spot"] = "true";
  const off = () => delete place.dataset["spot"];
  const timer = setTimeout(off, markedFor);
  return () => {
    clearTimeout(timer);
    off();
  };
}
