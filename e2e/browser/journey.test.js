// The whole journey in a real browser: from the sign-up form to the exported
// orders, with a look at accessibility on every page on the way.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { lookAt, openPage, payWith, pictures, startProduct, want } from "./product.js";

let product, browser, page, complaints;

before(async () => {
  product = await startProduct();
  ({ browser, page, complaints } = await openPage());
});

after(async () => {
  await browser?.close();
  const code = await product?.stop();
  assert.equal(code, 0, "the product must end cleanly");
});

async function look(name) {
  await page.waitForLoadState("networkidle", { timeout: 1500 }).catch(() => {}); // live pages never rest
  await lookAt(page, name);
}

test("a visitor signs up and confirms the address with the mail in the outbox", async () => {
  await page.goto(`${product.url}/signup`);
  await look("signup");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText(/Use 15 characters or more/i).first().waitFor(); // an empty form says what is missing
  await page.getByLabel("Company").fill("Harbour Café");
  await page.getByLabel("E-mail").fill("ada@example.com");
  await page.getByLabel("Password", { exact: true }).fill("a long enough password");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  await look("check-mail");
  await page.getByRole("link", { name: "Open the outbox" }).click();
  await page.getByRole("heading", { name: "Outbox" }).waitFor();
  await look("outbox");
  await page.getByRole("link", { name: /\/verify#token=/ }).click();
  await page.waitForURL("**/plans");
});

test("chooses a plan, has a card declined, pays with another, and watches the space being made", async () => {
  await page.getByRole("button", { name: "Choose Growth" }).waitFor();
  await look("plans");
  await page.getByRole("button", { name: "Choose Growth" }).click();
  await page.waitForURL("**/sandbox/checkout/**");
  await look("checkout");
  await page.getByLabel("Card number").fill("4000 0000 0000 0002");
  await page.getByRole("button", { name: /^Pay/ }).click();
  await page.getByRole("alert").filter({ hasText: /declined/i }).waitFor();
  await look("declined");
  await payWith(page, "4242 4242 4242 4242");
  await page.waitForURL("**/welcome**");
  await page.getByRole("link", { name: "Add your data" }).waitFor();
  await look("welcome");
});

test("uploads a file, is told line and column of what is wrong, and corrects it", async () => {
  await page.goto(`${product.url}/data`);
  await look("data-empty");
  await page.goto(`${product.url}/data/upload`);
  const wrong = "sku,week,quantity\nA-1,2025-01-06,12\nA-1,2025-01-13,-4\nA-1,soon,9\n";
  await page.locator('input[type="file"]').setInputFiles({ name: "demand.csv", mimeType: "text/csv", buffer: Buffer.from(wrong) });
  await page.getByText("negative", { exact: false }).first().waitFor();
  await look("upload-errors");
  const text = await page.locator("main").innerText();
  assert.match(text, /\b3\b/, "line 3 is named");
  assert.match(text, /\b4\b/, "line 4 is named");
  assert.match(text, /soon/, "the wrong value is shown");
});

test("loads a sample business and sees its tables", async () => {
  await page.goto(`${product.url}/data`);
  await page.getByRole("button", { name: "Load Corner cafe" }).click();
  await page.getByText("is loaded").first().waitFor();
  for (const table of ["Demand history", "Stock", "Suppliers"]) {
    await page.getByRole("button", { name: `View rows of ${table}` }).waitFor();
  }
  await look("data-sample");
  await page.getByRole("button", { name: "View rows of Stock" }).click();
  await page.getByRole("dialog").getByText("Whole milk").or(page.getByRole("dialog").getByRole("cell").first()).first().waitFor();
  await look("rows");
  await page.keyboard.press("Escape");
});

test("says what it wants in plain words, and decides", async () => {
  await want(page, product.url, "Order for the next 6 weeks, at most 3,000 a week, 95 % service", /6 weeks/i);
  assert.equal(await page.getByLabel("Plan ahead (weeks)").inputValue(), "6", "the words fill the form");
  await look("goal");
  await page.getByRole("button", { name: "Make the decision" }).click();
  await page.waitForURL("**/decisions/run_*");
});

test("sees the result: orders, costs against alternatives, proof, exports", async () => {
  await page.getByRole("heading", { name: "Orders", exact: true }).waitFor({ timeout: 60_000 });
  await look("decision");
  await page.getByRole("heading", { name: "Cost compared" }).waitFor();
  const main = await page.locator("main").innerText();
  assert.match(main, /do nothing/i);
  assert.match(main, /reorder point/i);

  const waiting = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export CSV" }).click();
  const csv = await readFile(await (await waiting).path(), "utf8");
  assert.match(csv, /sku/i);
  assert.ok(csv.trim().split("\n").length > 2, "the export has orders");

  await page.getByRole("button", { name: "Proof and solver" }).click();
  await page.getByText("Checked by a second program").waitFor();
  await look("proof");
  await page.keyboard.press("Escape");
});

test("cannot have everything: a budget too small is told, with what to change", async () => {
  await want(page, product.url, "Next 6 weeks, at most 5 a week", /at most 5/i);
  await page.getByRole("button", { name: "Make the decision" }).click();
  await page.getByRole("heading", { name: "Why it cannot be done" }).waitFor({ timeout: 90_000 });
  await look("infeasible");
  await page.getByRole("link", { name: "Apply this change" }).first().click();
  await page.waitForURL("**/goal**");
  await page.getByRole("button", { name: "Make the decision" }).click();
  await page.getByRole("heading", { name: "Orders", exact: true }).waitFor({ timeout: 90_000 });
});

test("shows the API's own documentation", async () => {
  await page.goto(`${product.url}/docs`);
  await page.getByText("/v1/signup", { exact: false }).first().waitFor();
});

test("works with the keyboard, in the dark, and on a phone", async () => {
  await page.goto(`${product.url}/home`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.reload();
  await look("home-dark");
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of ["home", "data", "goal", "decisions", "settings"]) {
    await page.goto(`${product.url}/${name}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overflow <= 1, `${name} is ${overflow} px too wide for a phone`);
    await look(`${name}-phone-dark`);
  }
});

test("signs out, and back in where it wanted to go", async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${product.url}/settings`);
  await page.getByRole("button", { name: /sign out/i }).first().click();
  await page.waitForURL(/\/signin|\/$/);
  await page.goto(`${product.url}/decisions`);
  await page.waitForURL("**/signin**");
  await look("signin");
  await page.getByLabel("E-mail").fill("ada@example.com");
  await page.getByLabel("Password", { exact: true }).fill("a long enough password");
  await page.getByRole("button", { name: /sign in/i }).click();
  await page.waitForURL("**/decisions");
});

test("the browser had nothing to complain about", async () => {
  if (pictures) await writeFile(path.join(pictures, "complaints.txt"), complaints.join("\n"));
  assert.deepEqual(complaints, []);
});
