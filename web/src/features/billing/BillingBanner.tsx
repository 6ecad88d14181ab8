import type { ReactNode } from "react";
import { useAction } from "@/lib/api/useAction";
import { day, moment } from "@/lib/format";
import { Button } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./Billing.module.css";
import { openInvoice, openPortal } from "./papers";
import { planName, type Billing } from "./plans";

interface BannerProps {
  billing: Billing;
  mayManage: boolean;
}

/** What about the payment needs somebody, with the way to put it right; nothing when all is well. */
export function BillingBanner({ billing, mayManage }: BannerProps) {
  return (
    <>
      <Unpaid billing={billing} mayManage={mayManage} />
      {billing.pending !== null && (
        <Notice title={`Your change to ${planName(billing.pending.plan)} waits for its payment`} tone="attention">
          <p className={classes.words}>
            The payment did not come through, or your bank wants you to confirm it. Until it is paid you keep your present plan; after{" "}
            {moment(billing.pending.expires)} the change is dropped and nothing is charged.
          </p>
          {mayManage && billing.pending.invoice !== "" && <PayInvoice invoice={billing.pending.invoice} />}
        </Notice>
      )}
      {billing.disputed && (
        <Notice title="A payment of yours is disputed" tone="attention">
          <p className={classes.words}>
            Your workspace works on as before, but nothing of it is moved or deleted until this is settled. If it is a mistake, tell your bank.
          </p>
        </Notice>
      )}
      {billing.trialRefused !== "" && billing.access === "active" && (
        <Notice title="Your subscription began without a trial" tone="accent">
          <p className={classes.words}>{billing.trialRefused}</p>
        </Notice>
      )}
    </>
  );
}

function Unpaid({ billing, mayManage }: BannerProps) {
  if (billing.status === "paused") {
    return (
      <Notice title="Your trial has ended" tone="attention">
        <p className={classes.words}>
          Your workspace is read-only; everything in it is kept and can be exported. Add a card, and it goes on at once.
        </p>
        {mayManage ? <ChangeCard>Add a card</ChangeCard> : <AskManager />}
      </Notice>
    );
  }
  if (billing.unpaid === null && billing.status !== "unpaid") return null;
  const readOnly = billing.access === "canceled";
  return (
    <Notice title={readOnly ? "Your workspace is read-only" : "Your payment did not come through"} tone={readOnly ? "bad" : "attention"}>
      <p className={classes.words}>
        {readOnly
          ? "The last invoice was not paid for two weeks. Everything is kept and can be exported; once it is paid, it works again at once."
          : `An invoice is open since ${day(billing.unpaid?.since ?? "")}. Everything works until ${day(billing.unpaid?.until ?? "")}, then your workspace is read-only until it is paid. Nothing is deleted.`}
      </p>
      {mayManage ? (
        <>
          <ChangeCard>Use another card</ChangeCard>
          <p className={classes.note}>With another card the open invoice is paid at once.</p>
        </>
      ) : (
        <AskManager />
      )}
    </Notice>
  );
}

function Notice({ title, tone, children }: { title: string; tone: "attention" | "bad" | "accent"; children: ReactNode }) {
  return (
    <Panel title={title} tone={tone}>
      {children}
    </Panel>
  );
}

function AskManager() {
  return <p className={classes.note}>Ask an owner or an admin of your company to put it right.</p>;
}

/** Leads to the payment service's page for another card. */
export function ChangeCard({ children, quiet = false }: { children: ReactNode; quiet?: boolean }) {
  const open = useAction({ mutationFn: () => openPortal("payment_method") });
  return (
    <>
      <Button
        size="xs"
        variant={quiet ? "default" : "filled"}
        loading={open.isPending || open.isSuccess}
        onClick={() => open.mutate()}
      >
        {children}
      </Button>
      {open.isError && <ProblemNote error={open.error} title="The page for cards did not open." />}
    </>
  );
}

function PayInvoice({ invoice }: { invoice: string }) {
  const open = useAction({ mutationFn: () => openInvoice(invoice, "page") });
  return (
    <>
      <Button size="xs" loading={open.isPending} onClick={() => open.mutate()}>
        Pay or confirm it
      </Button>
      {open.isError && <ProblemNote error={open.error} title="The invoice did not open." />}
    </>
  );
}

/** Leads to the plans. */
export function SeePlans() {
  return (
    <LinkButton to="/plans" size="xs">
      Choose a plan
    </LinkButton>
  );
}
