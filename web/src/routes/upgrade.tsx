import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import { sessionQuery } from "@/lib/session";
import { billingQuery, plansQuery, type Interval, type Plan } from "@/features/billing/plans";
import { isBusy, isForward } from "@/features/moves/moves";
import { MoveView } from "@/features/moves/MoveView";
import { planNames, type PlanName } from "@/features/moves/plans";
import { PreflightView } from "@/features/moves/PreflightView";
import { useMay } from "@/lib/permissions";
import { useLiveMove } from "@/features/moves/useLiveMove";
import { titleOf } from "@/features/moves/words";
import { moment } from "@/lib/format";
import { Empty } from "@/ui/Empty";
import { SegmentedControl, Skeleton } from "@/ui/kit";
import { LinkButton, TextLink } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";

const route = getRouteApi("/frame/upgrade");

/** The way from the shared pool to an environment of one's own, and back. */
export function UpgradePage() {
  const wish = route.useSearch();
  const { query: known, away } = useLiveMove();
  const session = useQuery(sessionQuery).data;
  const plans = useQuery(plansQuery);
  const billing = useQuery(billingQuery);
  const acts = useMay("moves", "manage");
  const pays = useMay("billing", "manage");
  const owner = acts && pays;
  const nameOf = (id: string) => plans.data?.find((plan) => plan.id === id)?.name ?? id;

  const move = known.data ?? null;
  const targets = targetsFrom(plans.data ?? [], session?.plan?.id);
  const asked = targets.find((plan) => plan.id === wish.plan);

  if (move !== null && (!move.over || asked === undefined)) {
    return (
      <Page
        title={titleOf(move, nameOf)}
        lead={!isBusy(move) || !isForward(move) ? undefined : "Your company is moved while everybody goes on working."}
        actions={move.over && owner && targets.length > 0 ? <NextChange targets={targets} /> : undefined}
      >
        {asked !== undefined && asked.id !== move.toPlan && (
          <Panel tone="attention" title={`The change to ${asked.name} has to wait`}>
            {move.state === "accepted"
              ? `The old copy of the last move is kept${move.deleteAt === "" ? "" : ` until ${moment(move.deleteAt)}`}. Delete it below, and the plan can be changed again at once.`
              : "One move at a time: this one has to be over first."}
          </Panel>
        )}
        <MoveView move={move} away={away} mayAct={acts} />
      </Page>
    );
  }
  if (known.isPending || plans.isPending || billing.isPending) {
    return (
      <Page title="Change of plan">
        <Skeleton height={320} radius="md" />
        <Skeleton height={240} radius="md" />
      </Page>
    );
  }
  const unread = [known, plans, billing].find((query) => query.isError && query.data === undefined);
  if (unread !== undefined) {
    return (
      <Page title="Change of plan">
        <ProblemNote
          error={unread.error}
          title="The state of your plan could not be read."
          onRetry={() => void unread.refetch()}
          retrying={unread.isFetching}
        />
      </Page>
    );
  }
  const target = asked ?? targets.at(-1);
  if (!owner || target === undefined) {
    return (
      <Page title="Change of plan">
        <Panel>
          <Empty
            icon={<Lock size={20} />}
            title={owner ? "There is no other place to move to" : "The owner of the company changes the plan"}
            action={<LinkButton to="/plans">See the plans</LinkButton>}
          >
            {owner ? "The plans say where each of them runs." : "Once a move is under way, everybody can follow it here."}
          </Empty>
        </Panel>
      </Page>
    );
  }
  // A change of plan keeps how often the company pays.
  const interval = billing.data?.interval === "year" ? "year" : "month";
  return (
    <Wish
      targets={targets}
      target={target}
      interval={interval}
      nameOf={nameOf}
      lastMove={move !== null}
    />
  );
}

interface WishProps {
  targets: Target[];
  target: Target;
  interval: Interval;
  nameOf: (plan: string) => string;
  lastMove: boolean;
}

function Wish({ targets, target, interval, nameOf, lastMove }: WishProps) {
  const navigate = useNavigate();
  const ask = (plan: PlanName) => void navigate({ to: "/upgrade", search: { plan }, replace: true, resetScroll: false });
  return (
    <Page
      title={target.mode === "platform" ? `Upgrade to ${target.name}` : `Change to ${target.name}`}
      lead={
        <>
          What it means and what it costs. Nothing happens before you press the button.
          {lastMove && (
            <>
              {" "}
              <TextLink to="/upgrade" inherit underline="always">
                See the last move
              </TextLink>
            </>
          )}
        </>
      }
      actions={
        targets.length > 1 ? (
          <SegmentedControl
            aria-label="Plan"
            value={target.id}
            onChange={(value) => ask(planNames.find((name) => name === value) ?? target.id)}
            data={targets.map((plan) => ({ value: plan.id, label: plan.name }))}
          />
        ) : undefined
      }
    >
      <PreflightView
        plan={target.id}
        interval={interval}
        nameOf={nameOf}
        onStarted={() => {
          void navigate({ to: "/upgrade", search: {}, replace: true });
          // The button that was pressed is gone; reading goes on at the content.
          document.getElementById("content")?.focus();
        }}
      />
    </Page>
  );
}

function NextChange({ targets }: { targets: Target[] }) {
  const last = targets.at(-1);
  return (
    <LinkButton to="/upgrade" search={{ plan: last?.id }} variant="default">
      {targets.length > 1 ? "Change plan" : `Upgrade to ${last?.name ?? ""}`}
    </LinkButton>
  );
}

type Target = Plan & { id: PlanName };

// A move leads to where the company does not run yet: from the pool to an
// environment of its own, or from there to one of the plans of the pool.
function targetsFrom(plans: Plan[], current: string | undefined): Target[] {
  const here = plans.find((plan) => plan.id === current);
  if (here === undefined) return [];
  return plans.filter(
    (plan): plan is Target => plan.mode !== here.mode && planNames.some((name) => name === plan.id),
  );
}
