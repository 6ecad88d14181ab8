import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { cents, day, number } from "@/lib/format";
import { Facts } from "@/ui/Facts";
import { Button, Modal } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag } from "@/ui/Tag";
import classes from "./Billing.module.css";
import { ChangeCard, SeePlans } from "./BillingBanner";
import { keepBilling, planName, endTrial, resumeSubscription, withdrawChange, type Billing } from "./plans";
import { openPortal } from "./papers";

/** What the company has, what it costs and how it is paid. */
export function CurrentPlan({ billing, mayManage }: { billing: Billing; mayManage: boolean }) {
  const queryClient = useQueryClient();
  const keep = (news: Billing) => keepBilling(queryClient, news);
  const resume = useAction({ mutationFn: resumeSubscription, onSuccess: keep });
  const withdraw = useAction({ mutationFn: withdrawChange, onSuccess: keep });
  const portal = useAction({ mutationFn: () => openPortal("overview") });
  const { plan } = billing;
  if (plan === null) {
    return (
      <Panel title="Your plan">
        <p className={classes.words}>
          Your company has no plan yet.
          {billing.trialDays > 0 && ` You can try one for ${billing.trialDays} days, without a card.`}
        </p>
        <SeePlans />
      </Panel>
    );
  }
  const currency = plan.currency.toUpperCase();
  const yearly = billing.interval === "year";
  const ended = billing.status === "canceled";
  return (
    <Panel title="Your plan" actions={<State billing={billing} />}>
      <Facts
        rows={[
          { name: "Plan", value: plan.name },
          {
            name: "Price",
            value: `${plan.from ? "from " : ""}${cents(yearly ? plan.yearlyCents : plan.monthlyCents, currency)} ${currency} a ${yearly ? "year" : "month"}`,
          },
          ...(billing.currentPeriodEnd === "" ? [] : [{ name: nextWords(billing), value: day(billing.currentPeriodEnd) }]),
          ...(billing.scheduled === null
            ? []
            : [
                {
                  name: "Planned change",
                  value: `${planName(billing.scheduled.plan)}, paid ${billing.scheduled.interval === "year" ? "yearly" : "monthly"}, from ${day(billing.scheduled.at)}`,
                },
              ]),
          ...(mayManage && !ended ? [{ name: "Paid with", value: card(billing) }] : []),
          { name: "Locations", value: limit(plan.locations) },
          { name: "Decisions a month", value: limit(plan.decisions) },
          { name: "Seats", value: limit(plan.seats) },
        ]}
      />
      {mayManage && (
        <div className={classes.actions}>
          {ended && <SeePlans />}
          {!ended && <ChangeCard quiet>{billing.method === null ? "Add a card" : "Change the card"}</ChangeCard>}
          {billing.trialEnd !== "" && billing.method !== null && !billing.cancelAtPeriodEnd && <PayNow billing={billing} />}
          {billing.cancelAtPeriodEnd && (
            <Button size="xs" loading={resume.isPending} onClick={() => resume.mutate()}>
              Resume the subscription
            </Button>
          )}
          {(billing.scheduled !== null || billing.pending !== null) && (
            <Button size="xs" variant="default" loading={withdraw.isPending} onClick={() => withdraw.mutate()}>
              {billing.scheduled !== null ? "Keep the present plan" : "Take the change back"}
            </Button>
          )}
          <Button size="xs" variant="subtle" loading={portal.isPending || portal.isSuccess} onClick={() => portal.mutate()}>
            Open the billing portal
          </Button>
        </div>
      )}
      {resume.isError && <ProblemNote error={resume.error} title="The subscription was not resumed." />}
      {withdraw.isError && <ProblemNote error={withdraw.error} title="The change was not taken back." />}
      {portal.isError && <ProblemNote error={portal.error} title="The billing portal did not open." />}
    </Panel>
  );
}

/** Ends the trial, after a question that names the price. */
function PayNow({ billing }: { billing: Billing }) {
  const queryClient = useQueryClient();
  const [asked, setAsked] = useState(false);
  const pay = useAction({
    mutationFn: endTrial,
    onSuccess: (news) => {
      keepBilling(queryClient, news);
      setAsked(false);
    },
  });
  const { plan } = billing;
  if (plan === null) return null;
  const amount = cents(billing.interval === "year" ? plan.yearlyCents : plan.monthlyCents, plan.currency.toUpperCase());
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setAsked(true)}>
        End the trial and pay now
      </Button>
      <Modal opened={asked} onClose={() => setAsked(false)} title="End the trial and pay now?" closeButtonProps={{ "aria-label": "Close" }}>
        <p className={classes.words}>
          {amount} are charged to your card today, and the first paid period begins. You need this only to move to an environment of your own before
          the trial is over.
        </p>
        {pay.isError && <ProblemNote error={pay.error} title="The trial was not ended." />}
        <div className={classes.foot}>
          <Button variant="default" onClick={() => setAsked(false)}>
            Keep the trial
          </Button>
          <Button loading={pay.isPending} onClick={() => pay.mutate()}>
            Pay {amount} now
          </Button>
        </div>
      </Modal>
    </>
  );
}

function State({ billing }: { billing: Billing }) {
  if (billing.status === "canceled") return <Tag tone="quiet">Ended</Tag>;
  if (billing.access === "canceled") return <Tag tone="bad">Read-only</Tag>;
  if (billing.access === "past_due") return <Tag tone="attention">Unpaid</Tag>;
  if (billing.cancelAtPeriodEnd) return <Tag tone="attention">Ends {day(billing.currentPeriodEnd)}</Tag>;
  if (billing.trialEnd !== "") return <Tag tone="accent">Trial until {day(billing.trialEnd)}</Tag>;
  return <Tag tone="good">Active</Tag>;
}

function nextWords(billing: Billing): string {
  if (billing.status === "canceled") return "Paid until";
  if (billing.cancelAtPeriodEnd) return "Ends";
  return billing.trialEnd !== "" ? "Trial ends" : "Renews";
}

function card({ method }: Billing): string {
  if (method === null) return "no card yet";
  if (method.last4 === "") return method.brand;
  const brand = method.brand.charAt(0).toUpperCase() + method.brand.slice(1);
  return `${brand} ending in ${method.last4}, good until ${String(method.expMonth).padStart(2, "0")}/${String(method.expYear).slice(-2)}`;
}

function limit(value: number): string {
  return value === 0 ? "unlimited" : number(value);
}
