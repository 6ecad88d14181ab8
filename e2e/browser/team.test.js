// A company grows from one person to a team: an invitation, a seat that is not there,
// a role that changes, and a company that is closed and opened again.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lookAt, openPage, payWith, signUp, startProduct } from "./product.js";

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

// The newest mail to an address leads where the link in it leads.
async function follow(other, email) {
  const mails = await (await other.request.get(`${product.url}/v1/outbox`)).json();
  const mail = mails.mails.find((one) => one.to === email);
  await other.goto(/https?:\S+\/join#token=\S+/.exec(mail.text)[0]);
}

async function invite(email, role) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Role", { exact: true }).selectOption({ label: role });
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByText(`${email} has been written to.`).waitFor();
}

// Somebody who was invited joins with a new account, in a browser of their own.
async function join(email) {
  const context = await browser.newContext();
  const other = await context.newPage();
  other.setDefaultTimeout(20_000);
  await follow(other, email);
  await other.getByRole("heading", { name: "Join Harbour Café" }).waitFor();
  await lookAt(other, "join");
  await other.getByLabel("Choose a password").fill("a long enough password");
  await other.getByRole("button", { name: "Create the account and join" }).click();
  return other;
}

test("an owner on Starter invites two people", async () => {
  await signUp(page, product.url, "Harbour Café", "ada@example.com");
  await page.getByRole("button", { name: "Choose Starter" }).click();
  await page.waitForURL("**/sandbox/checkout/**");
  await payWith(page, "4242 4242 4242 4242");
  await page.waitForURL("**/welcome**");
  await page.goto(`${product.url}/settings/team`);
  await page.getByText("1 of 3 seats taken").waitFor();
  await lookAt(page, "team-alone");
  await invite("ben@example.com", "Analyst");
  await invite("cleo@example.com", "Viewer");
  await lookAt(page, "team-invited");
});

test("they join, and see what their role allows", async () => {
  const ben = await join("ben@example.com");
  await ben.waitForURL(/\/(home|welcome)/);
  await ben.goto(`${product.url}/settings/team`);
  await ben.getByText("2 of 3 seats taken").waitFor();
  assert.equal(await ben.getByRole("button", { name: "Invite" }).count(), 0, "an analyst invites nobody");
  await lookAt(ben, "team-as-analyst");
  const cleo = await join("cleo@example.com");
  await cleo.waitForURL(/\/(home|welcome)/);
  await Promise.all([ben.context().close(), cleo.context().close()]);
});

test("the fourth seat is not there, and it is said where there are more", async () => {
  await page.reload();
  await page.getByText("3 of 3 seats taken").waitFor();
  await invite("dora@example.com", "Viewer");
  const dora = await join("dora@example.com");
  await dora.getByRole("alert").filter({ hasText: /seat/i }).waitFor();
  await lookAt(dora, "join-no-seat");
  await dora.context().close();
});

test("a role is changed, and a member removed", async () => {
  await page.getByLabel("Role of cleo@example.com").selectOption({ label: "Auditor" });
  await page.waitForResponse((answer) => answer.request().method() === "GET" && answer.url().endsWith("/v1/members"));
  assert.equal(await page.getByLabel("Role of cleo@example.com").inputValue(), "auditor");
  await page.getByRole("button", { name: "Remove ben@example.com" }).click();
  await page.getByRole("dialog").getByRole("button", { name: /Remove/ }).click();
  await page.getByText("2 of 3 seats taken").waitFor();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: "dark" });
  await lookAt(page, "team-phone-dark");
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
});

test("the company is renamed, closed and opened again", async () => {
  await page.goto(`${product.url}/settings/company`);
  await page.getByLabel("Name", { exact: true }).fill("Harbour Kitchen");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByText("The company has its new name.").waitFor();
  await lookAt(page, "company");
  await page.getByRole("button", { name: "Close the company" }).click();
  await page.getByLabel("Type Harbour Kitchen to confirm").fill("Harbour Kitchen");
  await lookAt(page, "company-close");
  await page.getByRole("dialog").getByRole("button", { name: "Close the company" }).click();
  await page.getByRole("heading", { name: "The company is closed" }).waitFor();
  await lookAt(page, "company-closed");
  await page.getByRole("button", { name: "Open it again" }).click();
  await page.getByRole("button", { name: "Close the company" }).waitFor();
});

test("the browser had nothing to complain about", () => {
  assert.deepEqual(complaints, []);
});
