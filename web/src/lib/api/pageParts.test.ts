import { describe, expect, it } from "vitest";
import { fetched } from "./pageParts";
import { asProblem } from "./problem";

const failing = (error: Error) => fetched(() => Promise.reject(error))().catch((cause: unknown) => asProblem(cause));

describe("the code of a page", () => {
  it("says that there is no connection when it cannot be fetched", async () => {
    for (const words of [
      "Failed to fetch dynamically imported module: http://localhost/assets/goal.js",
      "error loading dynamically imported module",
      "Importing a module script failed.",
      "Unable to preload CSS for /assets/goal.css",
    ]) {
      expect(await failing(new TypeError(words))).toMatchObject({ code: "network.page_not_fetched", retryable: true });
    }
  });
  it("calls a mistake in it a mistake", async () => {
    expect(await failing(new TypeError("x is undefined"))).toMatchObject({ code: "portal.failed" });
  });
  it("is handed on as it is when it comes", async () => {
    expect(await fetched(() => Promise.resolve(7))()).toBe(7);
  });
});
