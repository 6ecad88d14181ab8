// Billing as a customer meets it: a trial, a card, up and down, invoices, the way out
// and back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lookAt, openPage, signUp, startProduct } from "./product.js";

let product, browser, page, complaints;

before(async () => {
  product = await startProduct();
  ({ browser, page, complaints } = await openPage());
});

after(async () => {
  await browser?.close();
  const code = await product?.stop();
  assert.equal(code, 0, "the product ended well");
});

test("A company tries, pays, changes up and down, leaves and comes back", async () => {
  const plan = page.getByRole("region", { name: "Your plan" });
  await signUp(page, product.url, "Herons Ltd", "ada@herons.example");

  // A trial asks for no card.
  await page.getByRole("button", { name: "Try Starter free for 14 days" }).waitFor();
  await lookAt(page, "plans");
  await page.getByRole("button", { name: "Try Starter free for 14 days" }).click();
  await page.waitForURL("**/sandbox/checkout/**");
  await page.getByRole("button", { name: /trial|Start/i }).click();
  await page.waitForURL("**/welcome**");
  await page.getByRole("link", { name: "Add your data" }).waitFor({ timeout: 60_000 });
  await page.goto(`${product.url}/settings/plan`);
  await plan.getByText(/^Trial until/).waitFor();
  await plan.getByText("no card yet").waitFor();
  await lookAt(page, "trial");

  // The card is given at the payment service's own page.
  await plan.getByRole("button", { name: "Add a card" }).click();
  await page.waitForURL("**/sandbox/portal/**");
  await page.getByLabel("Card number").fill("4242 4242 4242 4242");
  await page.getByLabel(/Expiry/).fill("12 / 34");
  await page.getByLabel("Security code").fill("123");
  await page.getByRole("button", { name: /card/i }).last().click();
  await page.waitForURL("**/settings/plan**");
  await plan.getByText("Visa ending in 4242").waitFor();

  // End the trial, and pay.
  await plan.getByRole("button", { name: "End the trial and pay now" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pay $49 now" }).click();
  await plan.getByText("Active", { exact: true }).waitFor();

  // Up: what was shown is what is paid.
  await page.getByRole("button", { name: "Preview the change to Growth, paid monthly" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Due today").waitFor();
  await lookAt(page, "offer");
  await dialog.getByRole("button", { name: /^Pay .* and change now$/ }).click();
  await dialog.waitFor({ state: "hidden" });
  await plan.getByText("Growth", { exact: true }).waitFor();

  // Down: at the end of what is paid, and taken back.
  await page.getByRole("button", { name: "Preview the change to Starter, paid monthly" }).click();
  await dialog.getByRole("button", { name: /^Change on/ }).click();
  await plan.getByText(/^Starter, paid monthly, from/).waitFor();
  await lookAt(page, "planned");
  await plan.getByRole("button", { name: "Keep the present plan" }).click();
  await plan.getByText(/^Starter, paid monthly, from/).waitFor({ state: "hidden" });

  // Two invoices, and where each is.
  const invoices = page.getByRole("table", { name: "Invoices" });
  await invoices.getByRole("row").nth(2).waitFor();
  const opened = page.context().waitForEvent("page");
  await invoices.getByRole("button", { name: /^Open invoice/ }).first().click();
  const paper = await opened;
  await paper.waitForURL("**/sandbox/invoice/**");
  await paper.close();

  // Out, and back.
  await page.getByRole("button", { name: "End the subscription" }).click();
  await dialog.getByLabel("Why? (optional)").fill("We only look at it.");
  await lookAt(page, "end");
  await dialog.getByRole("button", { name: /^End it on/ }).click();
  await plan.getByText(/^Ends /).first().waitFor();
  await plan.getByRole("button", { name: "Resume the subscription" }).click();
  await plan.getByText("Active", { exact: true }).waitFor();

  // The payer is corrected.
  await page.getByLabel("Country, two letters").fill("de");
  await page.getByLabel("Address", { exact: true }).fill("Am Teich 1");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved").waitFor();
  await page.getByLabel("Tax number", { exact: true }).fill("DE123456789");
  await page.getByRole("button", { name: "Add the tax number" }).click();
  await page.getByText("EU VAT number: DE123456789").waitFor();
  await lookAt(page, "plan");
  await page.emulateMedia({ colorScheme: "dark" });
  await lookAt(page, "plan-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `the page is ${wide} px wide on a telephone`);
  await lookAt(page, "plan-390");
  assert.deepEqual(complaints, []);
});
