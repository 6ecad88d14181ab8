import type { components } from "@/lib/api/schema";

/** A move and a pre-flight as the product sends them. */
export type SentMove = components["schemas"]["Move"];
export type SentPreflight = components["schemas"]["Preflight"];

/** The first moment of the moves in tests. */
export const began = "2026-03-03T14:05:00Z";

function after(seconds: number): string {
  return new Date(Date.parse(began) + seconds * 1_000).toISOString();
}

/** An upgrade that can be started, with the parts a test cares about. */
export function upgrade(parts: Partial<SentPreflight> = {}): SentPreflight {
  return {
    hash: "h1",
    expiresAt: "2099-01-01T00:00:00Z",
    direction: "upgrade",
    fromPlan: "growth",
    toPlan: "enterprise",
    interval: "month",
    changes: [
      { what: "Where it runs", before: "shared pool", after: "an environment of your own" },
      { what: "Seats", before: "25", after: "unlimited" },
      { what: "Locations", before: "10", after: "unlimited" },
      { what: "Decisions a month", before: "500", after: "unlimited" },
      { what: "API", before: "yes", after: "yes" },
      { what: "Support", before: "by mail", after: "24/7 and an architect" },
    ],
    price: {
      currency: "usd",
      dueTodayCents: 123_400,
      creditTodayCents: 0,
      atRenewalCents: 199_900,
      renewsAt: "2026-03-21T00:00:00Z",
      lines: [
        { text: "Unused time on Growth after 3 March", cents: -12_300 },
        { text: "Remaining time on Enterprise after 3 March", cents: 135_700 },
      ],
    },
    moves: { documents: 12_345, bytes: 48_234_496, decisions: 86, files: 14, tables: ["Demand", "Stock", "Suppliers"] },
    expectedSeconds: 40,
    expectedPauseMillis: 50,
    goBack: "For seven days after the switch, one press takes you back to the pool with everything written since.",
    excess: [],
    blockers: [],
    ...parts,
  };
}

/** A downgrade that leaves something over. */
export function downgrade(parts: Partial<SentPreflight> = {}): SentPreflight {
  return {
    ...upgrade(),
    hash: "h2",
    direction: "downgrade",
    fromPlan: "enterprise",
    toPlan: "growth",
    changes: [
      { what: "Where it runs", before: "an environment of your own", after: "shared pool" },
      { what: "Seats", before: "unlimited", after: "25" },
    ],
    price: {
      currency: "usd",
      dueTodayCents: 0,
      creditTodayCents: 98_700,
      atRenewalCents: 19_900,
      renewsAt: "2026-03-21T00:00:00Z",
      lines: [{ text: "Unused time on Enterprise after 3 March", cents: -98_700 }],
    },
    excess: [
      { what: "Seats", have: 31, allowed: 25, becomes: "Six members can read and export, and change nothing." },
      { what: "Locations", have: 14, allowed: 10, becomes: "Four locations are read-only and can be exported." },
    ],
    ...parts,
  };
}

const stageTitles: [name: SentMove["state"], title: string][] = [
  ["requested", "Asked for"],
  ["provisioning", "Making your environment"],
  ["copying", "Copying"],
  ["verifying", "Comparing every row"],
  ["rehearsing", "Making decisions on both sides"],
  ["ready", "Ready to switch"],
  ["charging", "Paying"],
  ["cutting", "Switching"],
  ["switched", "Trying it out"],
  ["accepted", "Accepted"],
  ["cleaned", "Deleting the old copy"],
];

function stagesAt(state: SentMove["state"], end: SentMove["stages"][number]["state"]): SentMove["stages"] {
  const at = stageTitles.findIndex(([name]) => name === state);
  return stageTitles.map(([name, title], index) => ({
    name,
    title,
    state: index < at ? "done" : index === at ? end : "waiting",
    ...(index <= at ? { startedAt: after(index * 4) } : {}),
    millis: index < at ? 3_200 + index * 417 : 0,
    detail: "",
  }));
}

/** A move that copies, with the parts a test cares about. */
export function copying(parts: Partial<SentMove> = {}): SentMove {
  return {
    id: "mov_1",
    direction: "upgrade",
    fromPlan: "growth",
    toPlan: "enterprise",
    state: "copying",
    over: false,
    paused: false,
    headline: "Your data is being copied to your environment",
    startedAt: began,
    stages: stagesAt("copying", "working"),
    progress: {
      percent: 43,
      documentsTotal: 12_345,
      documentsCopied: 5_310,
      documentsVerified: 1_200,
      bytesTotal: 48_234_496,
      bytesCopied: 20_866_662,
      lagEntries: 12,
      etaSeconds: 22,
      waitingFor: "",
    },
    collections: [
      { name: "rows", title: "Rows of tables", documents: 11_900, copied: 5_000, verified: 1_200 },
      { name: "runs", title: "Decisions", documents: 86, copied: 86, verified: 0 },
      { name: "goals", title: "Goals", documents: 9, copied: 9, verified: 0 },
      { name: "uploads", title: "Files", documents: 350, copied: 215, verified: 0 },
    ],
    parity: [],
    mismatches: [],
    actions: [
      { name: "pause", title: "Pause" },
      { name: "abort", title: "Stop the move", confirm: "The copy is deleted. Your company stays where it is, and nothing is charged." },
    ],
    events: [
      { n: 1, at: after(0), text: "Asked for by ada@example.com", detail: "" },
      { n: 2, at: after(4), text: "Environment env_7 is being made", detail: "" },
      { n: 3, at: after(8), text: "Environment env_7 is ready", detail: "in 3.6 s" },
      { n: 4, at: after(9), text: "Copy begins", detail: "12,345 documents" },
    ],
    ...parts,
  };
}

const whole: SentMove["progress"] = {
  percent: 88,
  documentsTotal: 12_345,
  documentsCopied: 12_345,
  documentsVerified: 12_345,
  bytesTotal: 48_234_496,
  bytesCopied: 48_234_496,
  lagEntries: 0,
  etaSeconds: null,
  waitingFor: "",
};

const wholeCollections = copying().collections.map((row) => ({ ...row, copied: row.documents, verified: row.documents }));

const parity: SentMove["parity"] = [
  { run: "run_1", title: "Spring order", same: true, before: "total cost 18,240", after: "total cost 18,240" },
  { run: "run_2", title: "Keep coffee at 98 %", same: true, before: "total cost 9,115", after: "total cost 9,115" },
  { run: "run_3", title: "Budget of 20,000", same: true, before: "total cost 19,870", after: "total cost 19,870" },
];

export function paused(): SentMove {
  return copying({
    paused: true,
    headline: "The move is paused; nothing is copied",
    actions: [{ name: "resume", title: "Go on" }, ...copying().actions.slice(1)],
  });
}

/** Waits for the click that switches. */
export function ready(): SentMove {
  return copying({
    state: "ready",
    headline: "The copy is verified and follows every write; switch when you like",
    stages: stagesAt("ready", "working"),
    progress: { ...whole, waitingFor: "you to press Switch" },
    collections: wholeCollections,
    parity,
    actions: [
      {
        name: "switch",
        title: "Switch now",
        confirm: "$1,234.00 is charged, then your company runs in its own environment. Writes pause for about 50 ms.",
      },
      ...copying().actions.slice(1),
    ],
  });
}

/** After the switch, while one can go back. */
export function switched(parts: Partial<SentMove> = {}): SentMove {
  return copying({
    state: "switched",
    headline: "Your company runs in its own environment",
    stages: stagesAt("switched", "working"),
    progress: { ...whole, percent: 100 },
    collections: wholeCollections,
    parity,
    pause: { millis: 23, attempts: 1, at: after(41) },
    soakUntil: "2099-03-10T14:05:41Z",
    actions: [
      { name: "accept", title: "Keep it", confirm: "The old copy is deleted a day later. Going back is no longer one press then." },
      { name: "roll_back", title: "Go back to the pool", confirm: "Your company goes back to the pool with everything written since." },
    ],
    events: [
      ...copying().events,
      { n: 5, at: after(30), text: "Every row is the same on both sides", detail: "12,345 documents" },
      { n: 6, at: after(40), text: "Paid", detail: "$1,234.00" },
      { n: 7, at: after(41), text: "Switched", detail: "writes paused for 23 ms" },
    ],
    ...parts,
  });
}

/** Stopped because the copy is not the same. */
export function failed(): SentMove {
  return copying({
    state: "failed",
    headline: "The copy differs from the original, so the move stopped",
    stages: stagesAt("verifying", "failed"),
    progress: { ...whole, percent: 71, documentsVerified: 12_343 },
    collections: wholeCollections.map((row) => (["rows", "goals"].includes(row.name) ? { ...row, verified: row.verified - 1 } : row)),
    mismatches: [
      { collection: "rows", id: "demand/SKU-14/2026-02", field: "quantity", source: "120", target: "12" },
      { collection: "goals", id: "goal_3", field: "serviceLevel", source: "0.95", target: "" },
    ],
    error: { code: "migration.mismatch", detail: "Two rows differ between the original and the copy." },
    actions: [{ name: "retry", title: "Try again" }, ...copying().actions.slice(1)],
  });
}

/** Over, with the proof that the old copy is gone. */
export function cleaned(): SentMove {
  return switched({
    state: "cleaned",
    over: true,
    headline: "Moved; the old copy is gone",
    endedAt: after(90_000),
    stages: stageTitles.map(([name, title], index) => ({
      name,
      title,
      state: name === "charging" ? "skipped" : "done",
      millis: name === "switched" ? 4_520_000 : 3_200 + index * 417,
      detail: "",
    })),
    actions: [],
    proof: {
      deletedAt: after(90_000),
      environment: "env_01hq7w3v9x",
      documents: 12_345,
      entries: 24_310,
      chain: "9f2c1b7de04a5c6688d1f3a2b4e7c9d00a1b2c3d4e5f60718293a4b5c6d7e8f9",
    },
  });
}
