import { describe, expect, it } from "vitest";
import { byResource, readNetworks } from "./keys";

describe("scopes", () => {
  it("stand together by what they are about", () => {
    expect(byResource(["data:read", "moves:read", "data:write"])).toEqual([
      { resource: "data", scopes: [{ scope: "data:read", action: "read" }, { scope: "data:write", action: "write" }] },
      { resource: "moves", scopes: [{ scope: "moves:read", action: "read" }] },
    ]);
  });
});

describe("networks", () => {
  it("are read with lines, commas and spaces between", () => {
    expect(readNetworks(" 203.0.113.0/24,\n2001:db8::/48  192.0.2.7 ")).toEqual(["203.0.113.0/24", "2001:db8::/48", "192.0.2.7"]);
    expect(readNetworks("  \n")).toEqual([]);
  });
});
