// What asks in a person's name, in a real browser: an API key is made, used,
// rotated and revoked, and a program is let in by the code it shows.
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

/** Asks as a program with a token. */
function ask(token, path) {
  return fetch(product.url + path, { headers: { Authorization: `Bearer ${token}` } });
}

async function form(path, fields) {
  const answer = await fetch(product.url + path, { method: "POST", body: new URLSearchParams(fields) });
  return { status: answer.status, ...(await answer.json().catch(() => ({}))) };
}

/** Looks at the page in the usual size, in the dark, and on a telephone. */
async function look(name) {
  await lookAt(page, name);
  await page.emulateMedia({ colorScheme: "dark" });
  await lookAt(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px too wide for a telephone`);
  await lookAt(page, `${name}-narrow`);
  await page.setViewportSize({ width: 1280, height: 900 });
}

let text;

test("a company without a plan is told what the API takes", async () => {
  await signUp(page, product.url, "Harbour Café", "ada@example.com");
  await page.goto(`${product.url}/settings/keys`);
  await page.getByText("Your plan does not have the API").waitFor();
  assert.equal(await page.getByRole("button", { name: "New key" }).count(), 0);
  await look("keys-no-plan");
});

test("a key is made, shown once, and works within its scopes", async () => {
  await page.goto(`${product.url}/plans`);
  await page.getByRole("button", { name: "Choose Growth" }).click();
  await payWith(page, "4242 4242 4242 4242");
  await page.getByRole("link", { name: "Add your data" }).waitFor();
  await page.goto(`${product.url}/settings/keys`);
  await page.getByText("No keys yet").waitFor();
  await look("keys-empty");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Make the key" }).click();
  await look("keys-new");
  await page.getByRole("textbox", { name: /Name/ }).fill("Nightly export");
  await page.getByRole("checkbox", { name: "data: read" }).check();
  await page.getByRole("dialog").getByRole("button", { name: "Make the key" }).click();
  text = await page.getByLabel("The API key").textContent();
  assert.match(text, /^dyo_test_[0-9a-z]{52}_[0-9A-Za-z]{28}$/);
  await look("keys-shown");
  await page.keyboard.press("Escape"); // the only time it can be seen is not lost by a key
  await page.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await page.getByText(text).count(), 0);

  const tables = await ask(text, "/v1/tables");
  assert.equal(tables.status, 200);
  assert.match(tables.headers.get("ratelimit"), /^"read";r=\d+;t=\d+$/);
  const runs = await ask(text, "/v1/runs");
  assert.equal(runs.status, 403);
  assert.equal((await runs.json()).code, "tenancy.scope");
});

test("it is rotated while both work, and revoked after a question", async () => {
  await page.getByRole("button", { name: /^Rotate Nightly export/ }).click();
  await page.getByRole("button", { name: "Make the second key" }).click();
  const second = await page.getByLabel("The API key").textContent();
  await page.getByRole("button", { name: "I have it" }).click();
  for (const key of [text, second]) assert.equal((await ask(key, "/v1/tables")).status, 200);
  const end = text.slice(-4);
  await page.getByRole("button", { name: `Revoke Nightly export …${end}` }).click();
  await look("keys-revoke");
  await page.getByRole("button", { name: "Revoke the key" }).click();
  await page.getByText("ended, revoked").waitFor();
  await page.getByText(/last used/).first().waitFor();
  await look("keys-list");
  assert.equal((await ask(text, "/v1/tables")).status, 401);
  assert.equal((await ask(second, "/v1/tables")).status, 200);
});

test("a program is let in by the code it shows, and signed out again", async () => {
  const device = await form("/v1/device/authorize", { client_id: "dyocense-cli on ada's laptop" });
  const grant = { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: device.device_code };
  assert.equal((await form("/v1/device/token", grant)).error, "authorization_pending");
  await page.goto(`${product.url}/device`);
  await look("device");
  await page.getByLabel(/Code that the program shows/).fill("bbbb-bbbb");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("There is no such code").waitFor();
  await page.goto(device.verification_uri_complete);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("dyocense-cli on ada's laptop").waitFor();
  await look("device-question");
  await page.getByRole("button", { name: "Yes, let it in" }).click();
  await page.getByRole("heading", { name: "The program is signed in" }).waitFor();
  await look("device-done");
  const pair = await form("/v1/device/token", grant);
  assert.equal(pair.status, 200);
  assert.equal((await ask(pair.access_token, "/v1/runs")).status, 200);
  await page.getByRole("link", { name: "See your programs" }).click();
  await page.getByRole("button", { name: "Sign out dyocense-cli on ada's laptop" }).click();
  await look("programs-end");
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await page.getByText("No program is signed in as you").waitFor();
  assert.equal((await ask(pair.access_token, "/v1/runs")).status, 401);
  const refused = await form("/v1/device/token", { grant_type: "refresh_token", refresh_token: pair.refresh_token });
  assert.equal(refused.error, "invalid_grant");
});

test("the browser had nothing to complain about", () => {
  assert.deepEqual(complaints, []);
});
