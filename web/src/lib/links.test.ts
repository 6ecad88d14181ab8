import { describe, expect, it } from "vitest";
import { isWebAddress, linkify, safeReturn } from "./links";

describe("linkify", () => {
  it("cuts a mail's text into words and links, leaving punctuation outside", () => {
    expect(linkify("Open http://127.0.0.1:8080/verify#token=a_b-c.\nThanks")).toEqual([
      { text: "Open ", href: null },
      { text: "http://127.0.0.1:8080/verify#token=a_b-c", href: "http://127.0.0.1:8080/verify#token=a_b-c" },
      { text: ".\nThanks", href: null },
    ]);
  });
  it("makes no link of a script", () => {
    expect(linkify("javascript:alert(1)")).toEqual([{ text: "javascript:alert(1)", href: null }]);
  });
});

describe("safeReturn", () => {
  it("lets paths of the portal through", () => {
    expect(safeReturn("/decisions/run_1?x=1")).toBe("/decisions/run_1?x=1");
  });
  it.each(["//evil.example", "/\\evil.example", "https://evil.example", "", undefined])("turns %s into the start", (path) => {
    expect(safeReturn(path)).toBe("/");
  });
});

describe("isWebAddress", () => {
  it("allows web addresses and paths, and no scripts", () => {
    expect(isWebAddress("https://checkout.example/x", "http://localhost/")).toBe(true);
    expect(isWebAddress("/sandbox/checkout/1", "http://localhost/")).toBe(true);
    expect(isWebAddress("javascript:alert(1)", "http://localhost/")).toBe(false);
  });
});
