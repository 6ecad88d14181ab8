import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { sessionQuery } from "@/lib/session";
import { PlanTable } from "@/features/billing/PlanTable";
import { billingQuery, plansQuery, startCheckout, yearlySaving, type Interval, type Plan } from "@/features/billing/plans";
import { inShort, moveQuery } from "@/features/moves/moves";
import { planNames, type PlanName } from "@/features/moves/plans";
import { unreadable } from "@/lib/api/problem";
import { useMay } from "@/lib/permissions";
import { percent } from "@/lib/format";
import { isWebAddress } from "@/lib/links";
import { Button, SegmentedControl, Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { ProblemNote } from "@/ui/ProblemNote";

export function PlansPage() {
  const [interval, setInterval] = useState<Interval>("month");
  const session = useQuery(sessionQuery).data;
  const plans = useQuery(plansQuery);
  const checkout = useAction({
    mutationFn: async ({ plan, trial }: { plan: string; trial: boolean }) => {
      const url = await startCheckout(plan, interval, trial);
      if (!isWebAddress(url, window.location.href)) throw unreadable("url of the payment page");
      return url;
    },
    onSuccess: (url) => window.location.assign(url),
  });
  // Only a company that never had a plan may try one; it is asked for, not assumed.
  const fresh = session?.access === "none";
  const trialDays = useQuery({ ...billingQuery, enabled: fresh }).data?.trialDays ?? 0;
  const saving = yearlySaving(plans.data ?? []);
  const current = session?.access === "active" || session?.access === "past_due" ? session.plan?.id : undefined;

  const here = plans.data?.find((plan) => plan.id === current);
  const move = useQuery({ ...moveQuery, enabled: current !== undefined }).data ?? null;

  const moves = useMay("moves", "manage");
  const pays = useMay("billing", "manage");
  const mayMove = moves && pays;

  // Between the shared pool and an environment of one's own the way is a move.
  const moveTo = (plan: Plan) => {
    if (here !== undefined && plan.mode === here.mode && plan.selfServe && plan.id !== current) {
      // Within the pool the price is looked at before it is paid.
      return (
        <LinkButton to="/settings/plan" fullWidth variant="default">
          Change to {plan.name}
        </LinkButton>
      );
    }
    if (here === undefined || (plan.mode === here.mode && (plan.id !== current || plan.selfServe))) return null;
    if (!mayMove) {
      return plan.selfServe ? (
        <Button fullWidth variant="default" disabled>
          Ask the owner
        </Button>
      ) : null;
    }
    if (inShort(move) !== null) {
      return (
        <LinkButton to="/upgrade" fullWidth variant="default">
          See the move
        </LinkButton>
      );
    }
    const asked = planNames.find((name) => name === plan.id);
    return plan.id === current ? (
      <LinkButton to="/upgrade" search={{ plan: smaller(plans.data ?? [], plan) }} fullWidth variant="default">
        Change plan
      </LinkButton>
    ) : (
      <LinkButton to="/upgrade" search={{ plan: asked }} fullWidth variant={plan.selfServe ? "default" : "filled"}>
        {plan.selfServe ? `Change to ${plan.name}` : `Upgrade to ${plan.name}`}
      </LinkButton>
    );
  };

  return (
    <Page
      title={session?.access === "canceled" ? "Choose a plan to go on" : "Choose a plan"}
      lead={
        trialDays > 0 && fresh
          ? `Try a plan for ${trialDays} days, without a card. Start small and grow: your data moves with you from plan to plan.`
          : "Start small and grow: your data moves with you from plan to plan."
      }
      actions={
        <SegmentedControl
          aria-label="Pay by"
          value={interval}
          onChange={(value) => setInterval(value === "year" ? "year" : "month")}
          data={[
            { value: "month", label: "Monthly" },
            { value: "year", label: saving > 0 ? `Yearly, ${percent(saving, 0)} less` : "Yearly" },
          ]}
        />
      }
    >
      {checkout.isError && <ProblemNote error={checkout.error} title="The payment page did not open." />}
      {plans.isPending && <Skeleton height={480} radius="md" />}
      {plans.isError && (
        <ProblemNote error={plans.error} title="The plans could not be read." onRetry={() => void plans.refetch()} />
      )}
      {plans.data !== undefined && (
        <PlanTable
          plans={plans.data}
          interval={interval}
          current={current}
          opening={checkout.isPending || checkout.isSuccess ? checkout.variables : undefined}
          trialDays={fresh ? trialDays : 0}
          onChoose={(plan, trial) => checkout.mutate({ plan, trial })}
          moveTo={moveTo}
        />
      )}
    </Page>
  );
}

// The largest plan of the other kind: where a change of plan starts to look.
function smaller(plans: Plan[], than: Plan): PlanName | undefined {
  const id = plans.filter((plan) => plan.mode !== than.mode).at(-1)?.id;
  return planNames.find((name) => name === id);
}
