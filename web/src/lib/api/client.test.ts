import * as z from "zod/mini";
import { describe, expect, it, vi } from "vitest";
import { api, ask } from "./client";
import { Problem } from "./problem";
import { count, list, text } from "./shape";

function answer(status: number, body: string, type = "application/json") {
  return vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(body, { status, headers: { "Content-Type": type } }));
}

const shape = z.object({ plans: list(z.object({ id: z.string(), seats: count, support: text })) });
const get = () => ask(shape, api.GET("/v1/plans", { baseUrl: "http://localhost" }));

async function problemFrom(asked: Promise<unknown>): Promise<Problem> {
  const error: unknown = await asked.then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(Problem);
  return error as Problem;
}

describe("ask", () => {
  it("reads an answer by its shape and fills in what was left out", async () => {
    answer(200, '{"plans":[{"id":"starter","support":null,"new":1}]}');
    await expect(get()).resolves.toEqual({ plans: [{ id: "starter", seats: 0, support: "" }] });
  });
  it("takes null for an empty list", async () => {
    answer(200, '{"plans":null}');
    await expect(get()).resolves.toEqual({ plans: [] });
  });
  it("throws the product's own problem with code, words and places", async () => {
    answer(
      422,
      JSON.stringify({
        status: 422,
        detail: "The file has mistakes.",
        code: "tables.bad_file",
        kind: "invalid",
        retryable: false,
        errors: [{ location: "demand.csv", message: "is negative", line: 17, column: "Qty" }],
      }),
      "application/problem+json",
    );
    const problem = await problemFrom(get());
    expect(problem).toMatchObject({ status: 422, code: "tables.bad_file", message: "The file has mistakes.", retryable: false });
    expect(problem.details).toEqual([{ location: "demand.csv", message: "is negative", line: 17, column: "Qty" }]);
  });
  it("says something useful about an error page that is no problem document", async () => {
    answer(502, "<html>Bad gateway</html>", "text/html");
    await expect(problemFrom(get())).resolves.toMatchObject({ status: 502, code: "http.502", retryable: true });
  });
  it("names the part that does not fit", async () => {
    answer(200, '{"plans":[{"id":7}]}');
    const problem = await problemFrom(get());
    expect(problem.code).toBe("portal.unreadable_answer");
    expect(problem.message).toContain("plans.0.id");
  });
  it("says that the product cannot be reached", async () => {
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("Failed to fetch"));
    await expect(problemFrom(get())).resolves.toMatchObject({ code: "network.unreachable", retryable: true });
  });
});
