import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { sessionQuery } from "@/lib/session";
import { ProvisioningPanel } from "@/features/provisioning/ProvisioningPanel";
import { provisioningQuery } from "@/features/provisioning/provisioning";
import { duration } from "@/lib/format";
import { useNow } from "@/lib/now";
import { Empty } from "@/ui/Empty";
import { Loader } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";

const lead = {
  before: "With a plan you get your own environment:",
  working: "Your environment is being made:",
  failed: "Your environment is not there yet:",
  ready: "Your environment is ready:",
};

const route = getRouteApi("/frame/welcome");

export function WelcomePage() {
  const { checkout } = route.useSearch();
  const queryClient = useQueryClient();
  const session = useQuery({
    ...sessionQuery,
    refetchInterval: (query) =>
      checkout === "done" && query.state.data != null && query.state.data.access === "none" ? 500 : false,
  }).data;
  const paid = session?.access === "active" || session?.access === "past_due";
  const made = useQuery({ ...provisioningQuery, enabled: paid }).data?.state;
  const stage = !paid ? "before" : made === "ready" || made === "failed" ? made : "working";

  return (
    <Page
      width="narrow"
      title={session == null || session.tenant.name === "" ? "Welcome" : `Welcome, ${session.tenant.name}`}
      lead={`${lead[stage]} a database and a place to run decisions that only your company can reach.`}
    >
      {paid ? (
        <ProvisioningPanel
          onReady={() => void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey })}
          next={
            <>
              <LinkButton to="/data">Add your data</LinkButton>
              <LinkButton to="/home" variant="default">
                Go to the home page
              </LinkButton>
            </>
          }
        />
      ) : checkout === "done" ? (
        <PaymentPending />
      ) : (
        <Panel>
          <Empty title="Choose a plan first" action={<LinkButton to="/plans">See the plans</LinkButton>}>
            Your environment is made as soon as there is a plan.
          </Empty>
        </Panel>
      )}
    </Page>
  );
}

// The payment provider tells us, not the browser, that a payment went through;
// that message can be a moment behind the browser.
function PaymentPending() {
  const [from] = useState(() => Date.now());
  const waited = useNow(true) - from;
  return (
    <Panel>
      <Empty
        icon={<Loader size="xs" />}
        title="Waiting for the payment to be confirmed"
        action={
          waited > 15_000 ? (
            <LinkButton to="/plans" variant="default">
              Back to the plans
            </LinkButton>
          ) : undefined
        }
      >
        {waited > 15_000
          ? "This takes longer than usual. Nothing is charged twice; you can leave this page and come back."
          : `This takes a moment (${duration(Math.max(0, waited))}).`}
      </Empty>
    </Panel>
  );
}
