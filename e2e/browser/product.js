// Starts the built product on a free port, as somebody with fresh data would, and
// what all tests of pages need: a browser, a look at each page, a paying company.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

/** A folder for screenshots, when somebody wants to look. */
export const pictures = process.env.DYOCENSE_PICTURES;

const program = path.resolve(import.meta.dirname, "../../bin/dyocense-controlplane");

/** Starts the product; `settings` are further variables of its environment. */
export async function startProduct(settings = {}) {
  if (!existsSync(program)) throw new Error("The product is not built; run: make e2e");
  const dir = await mkdtemp(path.join(tmpdir(), "dyocense-browser-"));
  const log = createWriteStream(path.join(dir, "log"));
  const child = spawn(program, ["--data", path.join(dir, "data"), "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      HOME: process.env.HOME,
      PATH: process.env.PATH,
      ...(process.env.XDG_CACHE_HOME && { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }),
      ...settings,
    },
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

// The browser that is installed on this machine.
function browserPath() {
  const known = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = known.find((p) => p && existsSync(p));
  if (!found) throw new Error("No Chromium is installed; install it or name it in CHROMIUM.");
  return found;
}

// Flags that keep Chromium from asking the internet for anything.
const browserFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Opens a page in a browser. `complaints` fills with what the browser itself complains about. */
export async function openPage() {
  const browser = await chromium.launch({ executablePath: browserPath(), args: browserFlags });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
  const page = await context.newPage();
  const complaints = [];
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A refused request is shown to the person; the browser notes it as an error too.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  if (pictures) await mkdir(pictures, { recursive: true });
  return { browser, page, complaints };
}

/** Checks the page as it stands: nothing serious for axe, nothing wider than the window, and a picture if wanted. */
export async function lookAt(page, name) {
  // A drawer that is fading in has the colours of neither before nor after, and begins
  // to in the frame after it is there. What turns for ever is not waited for.
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  await page.waitForFunction(() =>
    document.getAnimations().every((a) => a.playState !== "running" || a.effect?.getComputedTiming().iterations === Infinity),
  );
  if (pictures) await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
  const { wide, room } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, room: window.innerWidth }));
  assert.ok(wide <= room, `${name} is ${wide} pixels wide in a window of ${room}`);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join("; ")})`);
  assert.deepEqual(serious, [], `axe on ${name}`);
}

/** Fills in the sign-up form and confirms the address with the mail in the outbox; ends at the plans. */
export async function signUp(page, url, company, email) {
  await page.goto(`${url}/signup`);
  await page.getByLabel("Company").fill(company);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill("a long enough password");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("link", { name: "Open the outbox" }).click();
  await page.getByRole("link", { name: /\/verify#token=/ }).click();
  await page.waitForURL("**/plans");
}

/** Pays at the sandbox's checkout, where the page is. */
export async function payWith(page, card) {
  await page.getByLabel("Card number").fill(card);
  await page.getByLabel(/Expiry/).fill("12 / 34");
  await page.getByLabel("Security code").fill("123");
  await page.getByRole("button", { name: /^Pay/ }).click();
}

/** Types what is wanted, has it read, and waits until what was understood is shown. */
export async function want(page, url, words, understood) {
  await page.goto(`${url}/goal`);
  await page.getByRole("textbox", { name: "What do you want to achieve?" }).fill(words);
  await page.getByRole("button", { name: "Read my words" }).click();
  const answer = page.getByRole("status").filter({ hasText: "the fields below are filled in" });
  await answer.getByText(understood).first().waitFor();
}
