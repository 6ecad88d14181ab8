import { readFileSync } from "node:fs";

const dist = "../controlplane/internal/portal/dist";

// What index.html names is what a browser loads before the first page: the entry
// and everything it imports.
const html = readFileSync(new URL(`${dist}/index.html`, import.meta.url), "utf8");
const initial = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((match) => `${dist}/${match[1]}`);

export default [
  { name: "initial JavaScript", path: initial, limit: "200 KB", gzip: true },
  { name: "all JavaScript", path: [`${dist}/assets/*.js`], limit: "480 KB", gzip: true },
  { name: "styles", path: [`${dist}/assets/*.css`], limit: "60 KB", gzip: true },
];
