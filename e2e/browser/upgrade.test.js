// A company grows out of the pool in a real browser: it moves to infrastructure of
// its own, goes back, moves again, keeps it, and sees the proof.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lookAt, openPage, payWith, signUp, startProduct, want } from "./product.js";

let product, browser, page, complaints;

before(async () => {
  product = await startProduct({ DYOCENSE_MOVE_KEEP: "1h" });
  ({ browser, page, complaints } = await openPage());
});

after(async () => {
  await browser?.close();
  const code = await product?.stop();
  assert.equal(code, 0, "the product must end cleanly");
});

/** Presses a button of the move, and again in the question that it asks first. */
async function press(name) {
  await page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

/** Opens what an upgrade would mean, and waits until it is worked out. */
async function openPreflight(address) {
  await page.goto(`${product.url}${address}`);
  await page.getByRole("heading", { name: "What changes" }).waitFor();
}

const headline = (words) => page.getByRole("heading", { name: words });

/** How long writes paused, as the page tells it, in milliseconds. */
async function pauseShown() {
  const words = await page.getByText(/^Writes paused for/).innerText();
  const [, amount, unit] = words.match(/([\d.,]+)\s(ms|s)$/) ?? [];
  return Number(amount) * (unit === "s" ? 1000 : 1);
}

test("a company on Business has data and a decision", async () => {
  await signUp(page, product.url, "Harbour Café", "ada@example.com");
  await page.getByRole("button", { name: "Choose Business" }).click();
  await page.waitForURL("**/sandbox/checkout/**");
  await payWith(page, "4242 4242 4242 4242");
  await page.getByRole("link", { name: "Add your data" }).waitFor();
  await page.goto(`${product.url}/data`);
  await page.getByRole("button", { name: "Load Corner cafe" }).click();
  await page.getByText("is loaded").first().waitFor();
  await want(page, product.url, "Order for the next 6 weeks, at most 3,000 a week, 95 % service", /6 weeks/i);
  await page.getByRole("button", { name: "Make the decision" }).click();
  await page.getByRole("heading", { name: "Orders", exact: true }).waitFor({ timeout: 60_000 });
});

test("sees what an upgrade means before it starts, and what it costs", async () => {
  await openPreflight("/upgrade");
  const main = await page.getByRole("main").innerText();
  assert.match(main, /unlimited/);
  assert.match(main, /To pay at the switch\s+\$1,\d{3}\.\d\d/);
  await lookAt(page, "upgrade-preflight");
  await page.getByRole("radio", { name: "When I press the button" }).click();
  await page.getByRole("button", { name: /^Start the copy now and pay \$1,/ }).click();
});

test("the copy is ready, and still is after the page is loaded anew", async () => {
  await page.getByRole("button", { name: "Switch now" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Switch now" }).waitFor();
  await page.getByText("1 of 1 came out the same").waitFor();
  await lookAt(page, "upgrade-ready");
});

test("it switches at the press of the button, and shows how long writes paused", async () => {
  await press("Switch now");
  await page.getByText(/^Writes paused for/).waitFor();
  assert.ok((await pauseShown()) < 1000, "writes pause for less than a second");
  await page.getByText("Enterprise plan").first().waitFor(); // the frame follows
  await page.getByRole("button", { name: "Keep it" }).waitFor();
  await lookAt(page, "upgrade-switched");
});

test("it goes back, and nothing is lost", async () => {
  await press("Go back");
  await headline("You went back").waitFor();
  await page.getByText(/on the way back for/).waitFor();
  await page.getByText("Business plan").first().waitFor();
  await lookAt(page, "upgrade-back");
  await page.goto(`${product.url}/decisions`);
  await page.getByRole("link", { name: /Replenishment/ }).first().waitFor();
});

test("it upgrades again, as soon as the copy is ready, and keeps it", async () => {
  await openPreflight("/upgrade?plan=enterprise");
  await page.getByRole("button", { name: /^Upgrade now and pay \$1,/ }).click();
  await page.getByRole("button", { name: "Keep it" }).waitFor();
  await page.getByText(/^Writes paused for/).waitFor();
  await press("Keep it");
  await page.getByRole("button", { name: "Delete the old copy now" }).waitFor();
  await lookAt(page, "upgrade-kept");
});

test("it deletes the old copy, and sees the proof", async () => {
  await press("Delete the old copy now");
  await page.getByRole("heading", { name: "The old copy is gone" }).waitFor();
  await page.getByText(/^[0-9a-f]{64}$/).waitFor();
  await lookAt(page, "upgrade-proof");
  await page.goto(`${product.url}/decisions`);
  await page.getByRole("link", { name: /Replenishment/ }).first().waitFor();
});

test("it can see what the way down would mean, on a phone in the dark", async () => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 390, height: 844 });
  await openPreflight("/upgrade?plan=business");
  await page.getByText("Put to your credit").waitFor();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 1, `the page is ${overflow} px too wide for a phone`);
  await lookAt(page, "downgrade-preflight-phone-dark");
});

test("the browser had nothing to complain about", () => {
  assert.deepEqual(complaints, []);
});
