import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

/** What a key, or two keys after each other ("g d"), does. */
export interface Shortcut {
  keys: string;
  title: string;
  run: () => void;
}

// Two keys belong together when they come within this time, in milliseconds.
const together = 900;

/**
 * Listens for single keys and pairs while the component lives. Keys typed into a
 * field, held with a modifier, or pressed over an open dialog are left alone.
 */
export function useShortcuts(shortcuts: Shortcut[], on: boolean): void {
  const find = useEffectEvent((keys: string) => shortcuts.find((shortcut) => shortcut.keys === keys));

  useEffect(() => {
    if (!on) return;
    let before = { key: "", at: 0 };
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"]') !== null) return;
      const pair = event.timeStamp - before.at < together ? find(`${before.key} ${event.key}`) : undefined;
      const hit = pair ?? find(event.key);
      before = { key: event.key, at: event.timeStamp };
      if (hit === undefined) return;
      event.preventDefault();
      before = { key: "", at: 0 };
      hit.run();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [on]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

const preferenceKey = "dyocense-shortcuts";
const listeners = new Set<() => void>();

function readPreference(): boolean {
  try {
    return window.localStorage.getItem(preferenceKey) !== "off";
  } catch {
    // Storage may be refused; the shortcuts stay on.
    return true;
  }
}

/** Whether single keys do something here, and how to change it: people who dictate need them off. */
export function useShortcutPreference(): [boolean, (on: boolean) => void] {
  const on = useSyncExternalStore((changed) => {
    listeners.add(changed);
    return () => listeners.delete(changed);
  }, readPreference);
  return [
    on,
    (wanted) => {
      try {
        window.localStorage.setItem(preferenceKey, wanted ? "on" : "off");
      } catch {
        // Nothing is remembered then; the switch shows what is true.
      }
      listeners.forEach((changed) => changed());
    },
  ];
}
