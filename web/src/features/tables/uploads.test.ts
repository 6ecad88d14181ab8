import { describe, expect, it } from "vitest";
import type { Format } from "./tables";
import { guessMapping, hasSlashedDates, missingFields, type Upload } from "./uploads";

const column = (name: string, title: string, required: boolean, kind = "text") => ({
  name,
  title,
  required,
  kind,
  description: "",
  example: "",
});
const format: Format = {
  kind: "demand",
  title: "Demand",
  description: "",
  columns: [column("sku", "SKU", true), column("week", "Week", true, "week"), column("quantity", "Quantity", true, "number")],
  exampleCSV: "",
};
const upload: Upload = {
  id: "upl_1",
  filename: "x.csv",
  bytes: 10,
  encoding: "UTF-8",
  delimiter: ",",
  lines: 3,
  columns: [
    { index: 0, name: "Sku", samples: [], kind: "text" },
    { index: 1, name: "Date", samples: ["05/06/2026"], kind: "date" },
    { index: 2, name: "QUANTITY", samples: [], kind: "number" },
  ],
  preview: [],
  kind: "demand",
  mapping: { week: 1 },
  expiresAt: "",
};

describe("reading a file", () => {
  it("starts with what the product suggests and fills in equal names", () => {
    expect(guessMapping(format, upload)).toEqual({ sku: 0, week: 1, quantity: 2 });
  });
  it("does not use suggestions made for another table", () => {
    expect(guessMapping({ ...format, kind: "stock" }, upload)).toEqual({ sku: 0, quantity: 2 });
  });
  it("names what is needed and has no column", () => {
    expect(missingFields(format, { sku: 0 })).toEqual(["Week", "Quantity"]);
  });
  it("asks about day and month only where a date column leaves it open", () => {
    expect(hasSlashedDates(format, upload, { week: 1 })).toBe(true);
    expect(hasSlashedDates(format, upload, { week: 0 })).toBe(false);
  });
});
