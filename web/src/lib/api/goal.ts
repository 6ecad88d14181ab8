import * as z from "zod/mini";

/**
 * What a replenishment plan should reach. Zero or absent limits mean "no limit".
 * Rates are shares (0.25 is 25 %), budgets are in the currency of the data.
 */
export const goalShape = z.object({
  horizon: z.number(),
  serviceLevel: z.number(),
  serviceRule: z.enum(["required", "preferred"]),
  budgetPerPeriod: z.optional(z.number()),
  budgetTotal: z.optional(z.number()),
  storageCapacity: z.optional(z.number()),
  holdingRate: z.number(),
  shortageCost: z.number(),
  skus: z.optional(z.nullable(z.array(z.string()))),
  timeLimitSec: z.number(),
  gap: z.number(),
  seed: z.number(),
});

export type Goal = z.output<typeof goalShape>;

/** The defaults the product fills in, so that a form never starts empty. */
export const defaultGoal: Goal = {
  horizon: 8,
  serviceLevel: 0.95,
  serviceRule: "required",
  holdingRate: 0.25,
  shortageCost: 5,
  timeLimitSec: 30,
  gap: 0.01,
  seed: 0,
};

/** A goal as others write it may leave parts out; zero means the default there. */
export const looseGoalShape = z.pipe(
  z.partial(
    z.extend(goalShape, {
      serviceRule: z.enum(["required", "preferred", ""]),
    }),
  ),
  z.transform((read): Goal => fillIn(read)),
);

function fillIn(read: Partial<Omit<Goal, "serviceRule">> & { serviceRule?: Goal["serviceRule"] | "" }): Goal {
  const { serviceRule, skus, ...rest } = read;
  const zeroMeansDefault = (value: number | undefined, fallback: number) =>
    value === undefined || value === 0 ? fallback : value;
  return {
    ...rest,
    horizon: zeroMeansDefault(read.horizon, defaultGoal.horizon),
    serviceLevel: zeroMeansDefault(read.serviceLevel, defaultGoal.serviceLevel),
    serviceRule: serviceRule === "preferred" ? "preferred" : "required",
    holdingRate: zeroMeansDefault(read.holdingRate, defaultGoal.holdingRate),
    shortageCost: zeroMeansDefault(read.shortageCost, defaultGoal.shortageCost),
    timeLimitSec: zeroMeansDefault(read.timeLimitSec, defaultGoal.timeLimitSec),
    gap: zeroMeansDefault(read.gap, defaultGoal.gap),
    seed: read.seed ?? defaultGoal.seed,
    ...(skus != null && skus.length > 0 ? { skus } : {}),
  };
}
