/** A piece of a text: plain words, or an address to follow. */
export interface Piece {
  text: string;
  href: string | null;
}

const address = /https?:\/\/[^\s<>"']+/g;

/** Cuts a text into words and links. Trailing punctuation stays outside the link. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(address)) {
    const href = match[0].replace(/[.,;:!?)\]]+$/, "");
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), href: null });
    pieces.push({ text: href, href });
    from = match.index + href.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), href: null });
  return pieces;
}

/** An address the browser may be sent to: this origin's or any http(s) one, never a script. */
export function isWebAddress(href: string, base: string): boolean {
  try {
    const url = new URL(href, base);
    return url.protocol === "https:" || url.protocol === "http:";
  } catch {
    return false;
  }
}

/** A path inside the portal to return to after signing in; anything else becomes "/". */
export function safeReturn(path: unknown): string {
  return typeof path === "string" && /^\/(?![/\\])/.test(path) ? path : "/";
}
