import * as z from "zod/mini";
import { describe, expect, it } from "vitest";
import { downgrade, upgrade } from "@/testing/moves";
import { differences, preflightShape, startWords } from "./preflight";

const read = (value: unknown) => z.parse(preflightShape, value);

describe("the button that starts a move", () => {
  it("names what happens and the price", () => {
    expect(startWords(read(upgrade()), "ready")).toBe("Upgrade now and pay $1,234.00 when the copy is verified");
    expect(startWords(read(upgrade()), "asked")).toBe("Start the copy now and pay $1,234.00 when I press the button");
  });
  it("names the credit of a downgrade", () => {
    expect(startWords(read(downgrade()), "ready")).toBe("Downgrade now and get $987.00 credited when the copy is verified");
  });
  it("says when nothing is to be paid", () => {
    const free = { ...upgrade().price, dueTodayCents: 0 };
    expect(startWords(read(upgrade({ price: free })), "ready")).toBe("Upgrade now; nothing to pay today");
    expect(startWords(read(upgrade({ price: free })), "asked")).toBe("Start the copy now; nothing to pay");
  });
});

describe("what changed since it was shown", () => {
  const before = read(upgrade());
  it("is nothing when only the hash is new", () => {
    expect(differences(before, read(upgrade({ hash: "h9" })))).toEqual([]);
  });
  it("names each figure with what it was", () => {
    const after = read(
      upgrade({
        price: { ...upgrade().price, dueTodayCents: 130_000 },
        moves: { ...upgrade().moves, documents: 12_400 },
        expectedPauseMillis: 80,
      }),
    );
    expect(differences(before, after)).toEqual([
      "To pay today: $1,300.00, was $1,234.00.",
      "Documents to move: 12,400, was 12,345.",
      "Expected pause of writes: 80 ms, was 50 ms.",
    ]);
  });
  it("names lines that came, went or read differently", () => {
    const after = read(
      upgrade({
        changes: [
          ...upgrade().changes.filter(({ what }) => what !== "API").map((row) => (row.what === "Seats" ? { ...row, before: "30" } : row)),
          { what: "Exports", before: "10", after: "unlimited" },
        ],
      }),
    );
    expect(differences(before, after)).toEqual([
      "Seats: 30 becomes unlimited, was: 25 becomes unlimited.",
      "Exports: 10 becomes unlimited.",
      "API: no longer in the list.",
    ]);
  });
  it("names what no longer fits, and obstacles that came and went", () => {
    const busy = { code: "move.run_active", text: "A decision is being made.", wayOut: "Wait for it." };
    const more = { ...downgrade(), excess: downgrade().excess.map((row) => (row.what === "Seats" ? { ...row, have: 32 } : row)) };
    expect(differences(read(downgrade()), read({ ...more, blockers: [busy] }))).toEqual([
      "Seats: 32 of 25, was: 31 of 25.",
      "New obstacle: A decision is being made.",
    ]);
    expect(differences(read(upgrade({ blockers: [busy] })), before)).toEqual(["No obstacle any more: A decision is being made."]);
  });
});
