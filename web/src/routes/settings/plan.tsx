import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect } from "react";
import { sessionQuery } from "@/lib/session";
import { BillingBanner } from "@/features/billing/BillingBanner";
import { ChangePlan } from "@/features/billing/ChangePlan";
import { CurrentPlan } from "@/features/billing/CurrentPlan";
import { EndPanel } from "@/features/billing/EndPanel";
import { InvoiceTable } from "@/features/billing/InvoiceTable";
import { PayerPanel } from "@/features/billing/PayerPanel";
import { billingQuery, keepBilling, plansQuery, refreshBilling } from "@/features/billing/plans";
import { may, permissionsQuery } from "@/lib/permissions";
import { Skeleton } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./plan.module.css";

const route = getRouteApi("/frame/settings/plan");

/** What the company has, pays and may change. */
export function PlanSettings() {
  const { from } = route.useSearch();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const session = useQuery(sessionQuery).data ?? null;
  const mayManage = may(useQuery(permissionsQuery).data, session?.role ?? "", "billing", "manage");
  const billing = useQuery(billingQuery);
  const plans = useQuery(plansQuery);

  // What was changed at the payment service may be ahead of its notice.
  useEffect(() => {
    if (from !== "portal") return;
    void refreshBilling()
      .then((news) => keepBilling(queryClient, news))
      .catch(() => undefined) // the last known state stays, and the notice comes
      .finally(() => void navigate({ search: {}, replace: true }));
  }, [from, navigate, queryClient]);

  if (billing.isPending || plans.isPending) return <Skeleton height={320} radius="md" />;
  if (billing.data === undefined) {
    return <ProblemNote error={billing.error} title="Your plan could not be read." onRetry={() => void billing.refetch()} retrying={billing.isFetching} />;
  }
  const { data } = billing;
  const runs = data.access === "active" || data.access === "past_due";
  const live = data.plan !== null && data.status !== "canceled";
  const isOwner = session?.role === "owner";
  return (
    <div className={classes.page}>
      <BillingBanner billing={data} mayManage={mayManage} />
      <CurrentPlan billing={data} mayManage={mayManage} />
      {plans.isError && <ProblemNote error={plans.error} title="The plans could not be read." onRetry={() => void plans.refetch()} />}
      {mayManage && runs && live && plans.data !== undefined && <ChangePlan billing={data} plans={plans.data} isOwner={isOwner} />}
      {mayManage && data.status !== "" && <InvoiceTable />}
      {mayManage && data.status !== "" && (
        <div className={classes.split}>
          <PayerPanel />
          {live && <EndPanel billing={data} isOwner={isOwner} />}
        </div>
      )}
    </div>
  );
}
