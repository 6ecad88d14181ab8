import type { Goal } from "@/lib/api/goal";
import type { Match } from "./goals";

/** Words as they were last read, and what the form got from them. */
export interface Reading {
  text: string;
  goal: Goal;
  /** The fields the words speak of; null when they are not known, so that any may be meant. */
  fields: string[] | null;
}

/** The reading a form starts with: the words of an earlier goal belong to all of its numbers. */
export function startReading(text: string, goal: Goal): Reading {
  return { text: text.trim(), goal, fields: null };
}

export function readingOf(text: string, match: Match): Reading {
  return { text: text.trim(), goal: match.goal, fields: match.understood.map((hit) => hit.field) };
}

/** True when there are words whose meaning is not in the form. No words have no meaning to miss. */
export function isUnread(reading: Reading, words: string): boolean {
  return words.trim() !== "" && words.trim() !== reading.text;
}

/**
 * The words to keep with a decision: those read, as long as no field they speak
 * of was changed by hand afterwards; otherwise none, since they would tell
 * another story than the numbers.
 */
export function keptWords(reading: Reading, words: string, edited: string[], base: Goal): string {
  if (words.trim() === "" || isUnread(reading, words)) return "";
  const meant = (name: string) => reading.fields === null || reading.fields.includes(name);
  const overruled = edited.some((name) => name !== "title" && meant(name)) || (meant("skus") && base.skus !== reading.goal.skus);
  return overruled ? "" : reading.text;
}
