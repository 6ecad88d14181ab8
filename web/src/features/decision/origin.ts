import type { Fact, Sentence } from "./result";

/** A stretch of a sentence: words, or a number that can show where it comes from. */
export interface Stretch {
  text: string;
  fact: Fact | null;
}

/**
 * Cuts a sentence so that every fact is its own stretch. Facts are looked up in
 * the order given, each after the one before; a fact the text does not contain
 * from there on is looked for from the start, and left out if it is nowhere.
 */
export function stretches(sentence: Sentence): Stretch[] {
  const found: { from: number; to: number; fact: Fact }[] = [];
  let after = 0;
  for (const fact of sentence.facts) {
    if (fact.text === "") continue;
    let from = whole(sentence.text, fact.text, after, found);
    if (from < 0) from = whole(sentence.text, fact.text, 0, found);
    if (from < 0) continue;
    found.push({ from, to: from + fact.text.length, fact });
    after = from + fact.text.length;
  }
  found.sort((a, b) => a.from - b.from);

  const cut: Stretch[] = [];
  let from = 0;
  for (const hit of found) {
    if (hit.from > from) cut.push({ text: sentence.text.slice(from, hit.from), fact: null });
    cut.push({ text: sentence.text.slice(hit.from, hit.to), fact: hit.fact });
    from = hit.to;
  }
  if (from < sentence.text.length) cut.push({ text: sentence.text.slice(from), fact: null });
  return cut;
}

// The first place of `part` that is not inside a longer number ("12" in "120")
// and not taken by another fact.
function whole(text: string, part: string, after: number, taken: { from: number; to: number }[]): number {
  for (let at = text.indexOf(part, after); at >= 0; at = text.indexOf(part, at + 1)) {
    const before = text[at - 1] ?? " ";
    const behind = text.slice(at + part.length, at + part.length + 2);
    const inside =
      (/^\d/.test(part) && /[\d.,]/.test(before)) || (/\d$/.test(part) && /^(\d|[.,]\d)/.test(behind));
    const free = taken.every((hit) => at + part.length <= hit.from || at >= hit.to);
    if (!inside && free) return at;
  }
  return -1;
}

/** The parts of the result page a number can come from. */
export type Origin =
  | { part: "costs"; path: string }
  | { part: "order"; index: number }
  | { part: "orders" }
  | { part: "item"; index: number }
  | { part: "budget"; path: string }
  | { part: "evidence"; path: string };

/** Where on the page the value behind a JSON pointer is shown. */
export function originOf(path: string): Origin {
  const [head = "", second = ""] = path.split("/").slice(1);
  const index = Number.parseInt(second, 10);
  switch (head) {
    case "plan":
    case "doNothing":
    case "reorderPoint":
      return { part: "costs", path };
    case "orders":
      return Number.isNaN(index) ? { part: "orders" } : { part: "order", index };
    case "items":
      return Number.isNaN(index) ? { part: "evidence", path } : { part: "item", index };
    case "budget":
    case "storage":
      return { part: "budget", path };
    default:
      return { part: "evidence", path };
  }
}
