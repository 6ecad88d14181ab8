import { useQuery } from "@tanstack/react-query";
import { day } from "@/lib/format";
import { Facts } from "@/ui/Facts";
import { Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag } from "@/ui/Tag";
import { billingQuery } from "./plans";

/** What the company pays for, and until when. */
export function BillingPanel() {
  const billing = useQuery(billingQuery);
  if (billing.isPending) return <Skeleton height={180} radius="md" />;
  if (billing.isError && billing.data === undefined) {
    return <ProblemNote error={billing.error} title="Billing could not be read." onRetry={() => void billing.refetch()} />;
  }
  const { plan, interval, access, currentPeriodEnd, status } = billing.data;
  return (
    <Panel
      title="Plan and billing"
      actions={
        access === "active" ? <Tag tone="good">Paid</Tag> : <Tag tone="attention">{access.replace("_", " ")}</Tag>
      }
    >
      <Facts
        rows={[
          { name: "Plan", value: plan === null ? "none" : plan.name },
          { name: "Paid", value: interval === "year" ? "yearly" : interval === "month" ? "monthly" : "not yet" },
          ...(currentPeriodEnd === "" ? [] : [{ name: "Next payment", value: day(currentPeriodEnd) }]),
          ...(status === "" ? [] : [{ name: "Subscription", value: status.replaceAll("_", " ") }]),
        ]}
      />
      <LinkButton to="/settings/plan" variant="default" size="xs" mt="sm">
        Plan and usage
      </LinkButton>
    </Panel>
  );
}
