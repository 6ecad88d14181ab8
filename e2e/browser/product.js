// Starts the built product on a free port, as somebody with fresh data would.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const program = path.resolve(import.meta.dirname, "../../bin/dyocense-controlplane");

export async function startProduct() {
  if (!existsSync(program)) throw new Error("The product is not built; run: make e2e");
  const dir = await mkdtemp(path.join(tmpdir(), "dyocense-browser-"));
  const log = createWriteStream(path.join(dir, "log"));
  const child = spawn(program, ["--data", path.join(dir, "data"), "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { HOME: process.env.HOME, PATH: process.env.PATH, ...(process.env.XDG_CACHE_HOME && { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }) },
  });
  child.stderr.pipe(log);
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the product ended with ${code} before it served; see ${dir}/log`)));
  });
  const url = first.replace(/^listening on /, "");
  return {
    url,
    dir,
    async stop() {
      child.kill("SIGTERM");
      const code = await exited;
      await rm(dir, { recursive: true, force: true });
      return code;
    },
  };
}

/** The browser that is installed on this machine. */
export function browserPath() {
  const known = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = known.find((p) => p && existsSync(p));
  if (!found) throw new Error("No Chromium is installed; install it or name it in CHROMIUM.");
  return found;
}

/** Flags that keep Chromium from asking the internet for anything. */
export const browserFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
