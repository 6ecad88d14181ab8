import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { asProblem } from "@/lib/api/problem";
import { cents, day, number } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import { Button, Modal, SegmentedControl } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./Billing.module.css";
import { askOffer, confirmWords, presentOffer, type Offer } from "./offers";
import { acceptOffer, keepBilling, planName, type Billing, type Interval, type Plan } from "./plans";

interface ChangePlanProps {
  billing: Billing;
  plans: Plan[];
  isOwner: boolean;
}

/** The plans compared, each with the price of changing to it. */
export function ChangePlan({ billing, plans, isOwner }: ChangePlanProps) {
  const present: Interval = billing.interval === "year" ? "year" : "month";
  const [interval, setInterval] = useState<Interval>(present);
  const ask = useAction({ mutationFn: (plan: string) => askOffer(plan, interval) });
  const moved = billing.plan?.mode === "platform";
  return (
    <Panel
      title="Change plan"
      note="Up takes effect at once, down at the end of what is paid."
      flush
      actions={
        <SegmentedControl
          aria-label="Pay by"
          size="xs"
          value={interval}
          onChange={(value) => setInterval(value === "year" ? "year" : "month")}
          data={[
            { value: "month", label: "Monthly" },
            { value: "year", label: "Yearly" },
          ]}
        />
      }
    >
      <DataGrid label="Plans">
        <thead>
          <tr>
            <th scope="col">Plan</th>
            <th scope="col" className="num">
              Price
            </th>
            <th scope="col" className={`num ${classes.spare}`}>
              Locations
            </th>
            <th scope="col" className={`num ${classes.spare}`}>
              Decisions a month
            </th>
            <th scope="col" className={`num ${classes.spare}`}>
              Seats
            </th>
            <th scope="col">
              <span className="keep">Change</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {plans.map((plan) => (
            <tr key={plan.id}>
              <th scope="row" className={classes.row}>
                {plan.name}
              </th>
              <td className={`num ${classes.row}`}>
                {plan.from && "from "}
                {cents(interval === "year" ? plan.yearlyCents : plan.monthlyCents, plan.currency.toUpperCase())} a {interval}
              </td>
              <td className={`num ${classes.row} ${classes.spare}`}>{limit(plan.locations)}</td>
              <td className={`num ${classes.row} ${classes.spare}`}>{limit(plan.decisions)}</td>
              <td className={`num ${classes.row} ${classes.spare}`}>{limit(plan.seats)}</td>
              <td className={`keep ${classes.row}`}>
                {plan.id === billing.plan?.id && interval === present ? (
                  <span className="dim">Your plan</span>
                ) : plan.mode === "platform" || moved ? (
                  isOwner && plan.mode !== billing.plan?.mode ? (
                    <LinkButton to="/upgrade" search={{ plan: moveName(plan.id) }} size="compact-xs" variant="default">
                      See the move
                    </LinkButton>
                  ) : (
                    <span className="dim">{isOwner ? "Write to us" : "Ask the owner"}</span>
                  )
                ) : (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`Preview the change to ${plan.name}, paid ${interval === "year" ? "yearly" : "monthly"}`}
                    loading={ask.isPending && ask.variables === plan.id}
                    onClick={() => ask.mutate(plan.id)}
                  >
                    Preview
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </DataGrid>
      {ask.isError && <ProblemNote error={ask.error} title="The price of the change could not be reckoned." />}
      <OfferDialog key={ask.data?.token} offer={ask.data ?? null} onClose={() => ask.reset()} />
    </Panel>
  );
}

/** What exactly the change costs, to be confirmed. */
function OfferDialog({ offer: shown, onClose }: { offer: Offer | null; onClose: () => void }) {
  const queryClient = useQueryClient();
  // The price may have changed since it was shown: then this one is to be looked at.
  const [fresh, setFresh] = useState<Offer | null>(null);
  const offer = fresh ?? shown;
  const accept = useAction({
    mutationFn: (token: string) => acceptOffer(token),
    onSuccess: (news) => {
      keepBilling(queryClient, news);
      onClose();
    },
    onError: (error) => {
      const present = presentOffer(error);
      if (present !== null) setFresh(present);
    },
  });
  const changed = fresh !== null && asProblem(accept.error).code === "billing.price_changed";
  return (
    <Modal
      opened={offer !== null}
      onClose={onClose}
      title={offer === null ? "" : `Change to ${planName(offer.to)}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {offer !== null && (
        <>
          {changed && (
            <p className={classes.words} role="alert">
              <strong>{accept.error?.message}</strong>
            </p>
          )}
          <p className={classes.words}>{whenWords(offer)}</p>
          <Reckoning offer={offer} />
          {offer.excess.length > 0 && (
            <>
              <p className={classes.words}>
                <strong>This does not fit yet.</strong> Make room first:
              </p>
              <ul className={classes.list}>
                {offer.excess.map((one) => (
                  <li key={one.what}>
                    {one.have} {one.what}, and {planName(offer.to)} has {one.allowed}. {one.wayOut}
                  </li>
                ))}
              </ul>
            </>
          )}
          {accept.isError && !changed && <ProblemNote error={accept.error} title="The plan was not changed." />}
          <div className={classes.foot}>
            <Button variant="default" onClick={onClose}>
              Keep the present plan
            </Button>
            <Button loading={accept.isPending} disabled={offer.excess.length > 0} onClick={() => accept.mutate(offer.token)}>
              {confirmWords(offer)}
            </Button>
          </div>
        </>
      )}
    </Modal>
  );
}

function Reckoning({ offer }: { offer: Offer }) {
  const currency = offer.currency.toUpperCase();
  const interval = (offer.toInterval === "" ? offer.interval : offer.toInterval) === "year" ? "year" : "month";
  return (
    <dl className={classes.lines}>
      {offer.lines.map((line) => (
        <div key={`${line.text} ${line.cents}`} className={classes.line}>
          <dt>{line.text}</dt>
          <dd>{cents(line.cents, currency)}</dd>
        </div>
      ))}
      {offer.taxToday > 0 && (
        <div className={classes.line}>
          <dt>of which tax</dt>
          <dd>{cents(offer.taxToday, currency)}</dd>
        </div>
      )}
      <div className={classes.total}>
        <dt>{offer.creditToday > 0 ? "Due today; the rest is credit for the next invoices" : "Due today"}</dt>
        <dd>{cents(offer.dueToday, currency)}</dd>
      </div>
      {offer.creditToday > 0 && (
        <div className={classes.line}>
          <dt>Credit</dt>
          <dd>{cents(offer.creditToday, currency)}</dd>
        </div>
      )}
      <div className={classes.line}>
        <dt>
          From {day(offer.renewsAt)}, each {interval}
        </dt>
        <dd>{cents(offer.atRenewal, currency)}</dd>
      </div>
    </dl>
  );
}

function whenWords(offer: Offer): string {
  if (offer.when === "period_end") {
    return `You keep the present plan until ${day(offer.renewsAt)}, as it is paid; the change comes then, and can be taken back before.`;
  }
  return offer.dueToday > 0
    ? "The new plan holds as soon as the payment is through."
    : "The new plan holds at once.";
}

function moveName(plan: string): "starter" | "growth" | "business" | "enterprise" | undefined {
  return plan === "starter" || plan === "growth" || plan === "business" || plan === "enterprise" ? plan : undefined;
}

function limit(value: number): string {
  return value === 0 ? "unlimited" : number(value);
}
