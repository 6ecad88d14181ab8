import type { Goal } from "@/lib/api/goal";
import { number } from "@/lib/format";
import type { Field } from "./goals";

/** What the form holds: shares as per cent, an empty box for "no limit". */
export interface GoalForm {
  title: string;
  horizon: number | "";
  serviceLevel: number | "";
  serviceRule: Goal["serviceRule"];
  budgetPerPeriod: number | "";
  budgetTotal: number | "";
  storageCapacity: number | "";
  holdingRate: number | "";
  shortageCost: number | "";
  timeLimitSec: number | "";
  gap: number | "";
}

export type NumberField = Exclude<keyof GoalForm, "title" | "serviceRule">;

/** How a number of the goal is shown. `optional` ones may be empty, which means no limit. */
interface Presentation {
  place: "main" | "advanced";
  percent: boolean;
  optional: boolean;
  decimals: number;
}

const presentations: Record<NumberField, Presentation> = {
  horizon: { place: "main", percent: false, optional: false, decimals: 0 },
  serviceLevel: { place: "main", percent: true, optional: false, decimals: 1 },
  budgetPerPeriod: { place: "main", percent: false, optional: true, decimals: 2 },
  budgetTotal: { place: "main", percent: false, optional: true, decimals: 2 },
  storageCapacity: { place: "advanced", percent: false, optional: true, decimals: 2 },
  holdingRate: { place: "advanced", percent: true, optional: false, decimals: 1 },
  shortageCost: { place: "advanced", percent: false, optional: false, decimals: 2 },
  timeLimitSec: { place: "advanced", percent: false, optional: false, decimals: 0 },
  gap: { place: "advanced", percent: true, optional: false, decimals: 2 },
};

export function presentationOf(name: NumberField): Presentation {
  return presentations[name];
}

/** The field's name when the form knows it as a number. */
export function numberFieldOf(field: Field): NumberField | null {
  return field.name in presentations ? (field.name as NumberField) : null;
}

/** The form of a goal. */
export function toForm(goal: Goal, title: string): GoalForm {
  const limit = (value: number | undefined) => (value === undefined || value === 0 ? "" : value);
  return {
    title,
    horizon: goal.horizon,
    serviceLevel: perCent(goal.serviceLevel),
    serviceRule: goal.serviceRule,
    budgetPerPeriod: limit(goal.budgetPerPeriod),
    budgetTotal: limit(goal.budgetTotal),
    storageCapacity: limit(goal.storageCapacity),
    holdingRate: perCent(goal.holdingRate),
    shortageCost: goal.shortageCost,
    timeLimitSec: goal.timeLimitSec,
    gap: perCent(goal.gap),
  };
}

/** The goal of a form that has been checked. What the form does not show is kept from `base`. */
export function fromForm(form: GoalForm, base: Goal): Goal {
  const value = (entry: number | "", fallback: number) => (entry === "" ? fallback : entry);
  return {
    seed: base.seed,
    ...(base.skus == null || base.skus.length === 0 ? {} : { skus: base.skus }),
    horizon: value(form.horizon, base.horizon),
    serviceLevel: share(value(form.serviceLevel, perCent(base.serviceLevel))),
    serviceRule: form.serviceRule,
    holdingRate: share(value(form.holdingRate, perCent(base.holdingRate))),
    shortageCost: value(form.shortageCost, base.shortageCost),
    timeLimitSec: value(form.timeLimitSec, base.timeLimitSec),
    gap: share(value(form.gap, perCent(base.gap))),
    ...(form.budgetPerPeriod === "" ? {} : { budgetPerPeriod: form.budgetPerPeriod }),
    ...(form.budgetTotal === "" ? {} : { budgetTotal: form.budgetTotal }),
    ...(form.storageCapacity === "" ? {} : { storageCapacity: form.storageCapacity }),
  };
}

/** What is wrong with an entry, in words, or true. Limits come from the template. */
export function checkEntry(field: Field, name: NumberField, entry: number | ""): string | true {
  const { percent, optional, decimals } = presentations[name];
  if (entry === "") return optional || `Give a number for ${field.title.toLowerCase()}.`;
  const unit = percent ? " %" : "";
  const scale = percent ? 100 : 1;
  const least = field.min == null ? 0 : field.min * scale;
  const most = field.max == null || field.max === 0 ? Infinity : field.max * scale;
  const says = (value: number) => `${number(value, 2)}${unit}`;
  if (entry < least) return `${says(least)} is the least.`;
  if (entry > most) return `${says(most)} is the most.`;
  if (decimals === 0 && !Number.isInteger(entry)) return "Give a whole number.";
  return true;
}

/** A name for a goal that was given none. */
export function titleOf(goal: Goal): string {
  return `Replenishment, ${goal.horizon} periods, ${number(goal.serviceLevel * 100, 1)} % service`;
}

/** A goal with one number changed, as a diagnosis proposes it. Unknown fields change nothing. */
export function withChange(goal: Goal, field: string, value: number): Goal {
  switch (field) {
    case "horizon":
    case "serviceLevel":
    case "budgetPerPeriod":
    case "budgetTotal":
    case "storageCapacity":
    case "holdingRate":
    case "shortageCost":
    case "timeLimitSec":
    case "gap":
      return { ...goal, [field]: value };
    case "serviceRule":
      return { ...goal, serviceRule: "preferred" };
    default:
      return goal;
  }
}

// Two decimals of a per cent: what the form can show, without the noise of binary fractions.
function perCent(value: number): number {
  return Math.round(value * 10_000) / 100;
}

function share(value: number): number {
  return Math.round(value * 100) / 10_000;
}
