/** The plans a company can move between. */
export const planNames = ["starter", "growth", "business", "enterprise"] as const;
export type PlanName = (typeof planNames)[number];
