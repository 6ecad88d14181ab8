import { Check, Minus } from "lucide-react";
import type { ReactNode } from "react";
import { cents, number } from "@/lib/format";
import { Button } from "@/ui/kit";
import { Tag } from "@/ui/Tag";
import { perMonth, type Interval, type Plan } from "./plans";
import classes from "./PlanTable.module.css";

const sales = "mailto:sales@dyocense.com?subject=Dyocense%20Enterprise";

interface PlanTableProps {
  plans: Plan[];
  interval: Interval;
  /** Id of the plan the company has. */
  current: string | undefined;
  /** The plan whose page is being opened, to try it or to pay. */
  opening: { plan: string; trial: boolean } | undefined;
  /** For how long a plan can be tried; 0 when it cannot. */
  trialDays: number;
  onChoose: (plan: string, trial: boolean) => void;
  /** The button of a plan that one changes to by a move; null where there is none. */
  moveTo: (plan: Plan) => ReactNode;
}

/** The tiers side by side, each with the same lines in the same order. */
export function PlanTable({ plans, interval, current, opening, trialDays, onChoose, moveTo }: PlanTableProps) {
  return (
    <ul className={classes.plans}>
      {plans.map((plan) => {
        const way = moveTo(plan);
        return (
          <li key={plan.id} className={classes.plan} data-current={plan.id === current}>
            <div className={classes.top}>
              <h2 className={classes.name}>{plan.name}</h2>
              {plan.id === current && <Tag tone="accent">Your plan</Tag>}
            </div>
            <p className={classes.price}>
              {plan.from && <span className={classes.from}>from </span>}
              <span className={classes.amount}>{cents(perMonth(plan, interval), plan.currency.toUpperCase())}</span>
              <span className={classes.per}> {plan.currency.toUpperCase()} a month</span>
            </p>
            <p className={classes.billed}>
              {interval === "year" && plan.selfServe
                ? `${cents(plan.yearlyCents, plan.currency.toUpperCase())} paid once a year`
                : plan.selfServe
                  ? "paid monthly, end any time"
                  : way === null || plan.id === current
                    ? "by agreement"
                    : "exact price before you pay"}
            </p>
            {way ??
              (plan.selfServe ? (
                <>
                  {trialDays > 0 && plan.id !== current && (
                    <Button
                      fullWidth
                      mb="xs"
                      aria-label={`Try ${plan.name} free for ${trialDays} days`}
                      loading={opening?.plan === plan.id && opening.trial}
                      onClick={() => onChoose(plan.id, true)}
                    >
                      Try free for {trialDays} days
                    </Button>
                  )}
                  <Button
                    fullWidth
                    variant={plan.id === current || trialDays > 0 ? "default" : "filled"}
                    disabled={plan.id === current}
                    loading={opening?.plan === plan.id && !opening.trial}
                    onClick={() => onChoose(plan.id, false)}
                  >
                    {plan.id === current ? "Your plan" : `Choose ${plan.name}`}
                  </Button>
                </>
              ) : (
                <Button component="a" href={sales} fullWidth variant="default">
                  Talk to us
                </Button>
              ))}
            <dl className={classes.lines}>
              <Line name="Locations" value={limit(plan.locations)} />
              <Line name="Decisions a month" value={limit(plan.decisions)} />
              <Line name="Seats" value={limit(plan.seats)} />
              <Line name="API" value={<YesNo yes={plan.api} />} />
              <Line name="Where it runs" value={plan.mode === "platform" ? "your own environment" : "shared"} />
              <Line name="Support" value={plan.support} />
            </dl>
          </li>
        );
      })}
    </ul>
  );
}

function Line({ name, value }: { name: string; value: ReactNode }) {
  return (
    <div className={classes.line}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function YesNo({ yes }: { yes: boolean }) {
  return yes ? (
    <>
      <Check size={15} aria-hidden className={classes.yes} /> yes
    </>
  ) : (
    <>
      <Minus size={15} aria-hidden /> no
    </>
  );
}

function limit(value: number): string {
  return value === 0 ? "unlimited" : number(value);
}
