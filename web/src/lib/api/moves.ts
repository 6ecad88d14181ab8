import type { Client } from "openapi-fetch";
import { api } from "./client";

// The API of moves, as its document says. Once the generated schema has these
// addresses, movesApi is `api` and the rest of this file goes.

type PlanName = "starter" | "growth" | "business" | "enterprise";
type Interval = "month" | "year";
type Direction = "upgrade" | "downgrade" | "move";

/** What a change of plan would mean, worked out before anything happens. */
export interface Preflight {
  hash: string;
  expiresAt: string;
  direction: Direction;
  fromPlan: string;
  toPlan: string;
  interval: Interval;
  changes: { what: string; before: string; after: string }[];
  price: {
    currency: string;
    dueTodayCents: number;
    creditTodayCents: number;
    atRenewalCents: number;
    renewsAt: string;
    lines: { text: string; cents: number }[];
  };
  moves: { documents: number; bytes: number; decisions: number; files: number; tables: string[] };
  expectedSeconds: number;
  expectedPauseMillis: number;
  goBack: string;
  excess: { what: string; have: string; allowed: string; becomes: string }[];
  blockers: { code: string; text: string; wayOut: string }[];
}

/** One live move of a company from one environment to another. */
export interface Move {
  id: string;
  direction: Direction;
  fromPlan: string;
  toPlan: string;
  state:
    | "requested"
    | "provisioning"
    | "copying"
    | "verifying"
    | "rehearsing"
    | "ready"
    | "charging"
    | "cutting"
    | "switched"
    | "accepted"
    | "cleaned"
    | "aborting"
    | "aborted"
    | "failed"
    | "rolling_back"
    | "rolled_back";
  over: boolean;
  paused: boolean;
  headline: string;
  startedAt: string;
  endedAt?: string;
  soakUntil?: string;
  deleteAt?: string;
  stages: {
    name: string;
    title: string;
    state: "waiting" | "working" | "done" | "failed" | "skipped";
    startedAt?: string;
    millis: number;
    detail: string;
  }[];
  progress: {
    percent: number;
    documentsTotal: number;
    documentsCopied: number;
    documentsVerified: number;
    bytesTotal: number;
    bytesCopied: number;
    lagEntries: number;
    etaSeconds: number | null;
    waitingFor: string;
  };
  collections: { name: string; title: string; documents: number; copied: number; verified: number }[];
  pause?: { millis: number; attempts: number; at: string };
  parity: { run: string; title: string; same: boolean; before: string; after: string }[];
  mismatches: { collection: string; id: string; field: string; source: string; target: string }[];
  actions: {
    name: "pause" | "resume" | "switch" | "abort" | "roll_back" | "accept" | "retry";
    title: string;
    confirm?: string;
  }[];
  events: { n: number; at: string; text: string; detail: string }[];
  error?: { code: string; detail: string };
  proof?: { deletedAt: string; agent: string; documents: number; chain: string };
}

interface Json<T> {
  content: { "application/json": T };
}

interface MovePaths {
  "/v1/moves/preflight": {
    post: { requestBody: Json<{ plan: PlanName; interval: Interval }>; responses: { 200: Json<Preflight> } };
  };
  "/v1/moves": {
    get: { responses: { 200: Json<{ moves: Move[] }> } };
    post: {
      requestBody: Json<{ plan: PlanName; interval: Interval; confirm: string; when: "ready" | "asked" }>;
      responses: { 201: Json<Move> };
    };
  };
  "/v1/moves/current": { get: { responses: { 200: Json<Move> } } };
  "/v1/moves/{id}/actions": {
    post: {
      parameters: { path: { id: string } };
      requestBody: Json<{ action: Move["actions"][number]["name"] }>;
      responses: { 200: Json<Move> };
    };
  };
}

/** The typed client, for the addresses of moves. */
export const movesApi = api as unknown as Client<MovePaths>;
