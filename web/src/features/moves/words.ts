import { Problem } from "@/lib/api/problem";
import { duration } from "@/lib/format";
import { since } from "@/lib/now";
import type { StepLine } from "@/ui/Steps";
import { isBusy, type Move } from "./moves";

/** The stages as lines with their times; a stage at work counts on. */
export function stageLines(move: Move, now: number): StepLine[] {
  return move.stages.map((stage) => ({
    key: stage.name,
    title: stage.title === "" ? stage.name : stage.title,
    // Nothing works while the move stands.
    state: stage.state === "working" && !isBusy(move) ? "standing" : stage.state,
    time: stage.state === "working" && !isBusy(move) ? standing(move) : timeOf(stage, now),
    detail: stage.detail,
  }));
}

function standing(move: Move): string {
  if (move.paused) return "paused";
  return move.actions.some(({ name }) => name === "switch" || name === "accept") ? "your turn" : "";
}

function timeOf(stage: Move["stages"][number], now: number): string {
  switch (stage.state) {
    case "waiting":
    case "skipped":
      return "";
    case "working":
      return duration(Math.max(stage.millis, since(stage.startedAt, now)));
    default:
      return stage.millis > 0 ? duration(stage.millis) : "";
  }
}

const verbs = { upgrade: "Upgrade", downgrade: "Downgrade", move: "Move" } as const;

/** "Upgrade from Growth to Enterprise". */
export function titleOf(move: Pick<Move, "direction" | "fromPlan" | "toPlan">, nameOf: (plan: string) => string): string {
  return move.fromPlan === move.toPlan
    ? `${verbs[move.direction]} of ${nameOf(move.toPlan)}`
    : `${verbs[move.direction]} from ${nameOf(move.fromPlan)} to ${nameOf(move.toPlan)}`;
}

export function toneOf(move: Move): "plain" | "accent" | "attention" | "bad" {
  if (move.state === "failed") return "bad";
  if (move.paused) return "attention";
  return ["ready", "switched", "accepted", "cleaned"].includes(move.state) ? "accent" : "plain";
}

/** " (in 6 d 4 h)": how far ahead a moment lies; nothing when it is past or unknown. */
export function timeLeft(iso: string, now: number): string {
  const left = Date.parse(iso) - now;
  // Whole minutes: a last minute counted down in seconds would only hurry.
  return left >= 60_000 ? ` (in ${duration(Math.floor(left / 60_000) * 60_000)})` : "";
}

/** What an error of a move means for it; null when it is of the past. */
export function setback(move: Move): string | null {
  switch (move.state) {
    case "failed":
      return "The move stopped by itself.";
    case "ready":
      return "It was not switched.";
    case "switched":
      return move.actions.some(({ name }) => name === "roll_back") ? "You did not go back." : "There is no way back to the old copy.";
    default:
      return null;
  }
}

/** What stopped a move, as a problem like any other. */
export function failureOf(error: NonNullable<Move["error"]>): Problem {
  return new Problem({ status: 0, code: error.code, kind: "internal", message: error.detail, retryable: false });
}
