import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";
import { asProblem } from "@/lib/api/problem";
import { useAction } from "@/lib/api/useAction";
import { bytes, day, duration, number, price, roughly } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import { Facts } from "@/ui/Facts";
import { Button, Radio, Skeleton, Stack } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { keep, moveQuery } from "./moves";
import {
  differences,
  preflightQuery,
  start,
  startVerb,
  startWords,
  type Preflight,
  type When,
} from "./preflight";
import type { PlanName } from "./plans";
import classes from "./PreflightView.module.css";

interface PreflightViewProps {
  plan: PlanName;
  interval: "month" | "year";
  /** What a plan is called. */
  nameOf: (plan: string) => string;
  onStarted: () => void;
}

/** What a change of plan means and costs, and the button that starts it. */
export function PreflightView({ plan, interval, nameOf, onStarted }: PreflightViewProps) {
  const queryClient = useQueryClient();
  const query = useQuery({ ...preflightQuery(plan, interval), placeholderData: (before) => before });
  // What was shown before it was worked out anew.
  const [before, setBefore] = useState<Preflight | null>(null);
  const [when, setWhen] = useState<When>("ready");

  const again = (shown: Preflight | undefined) => {
    if (shown !== undefined) setBefore(shown);
    void query.refetch();
  };
  const begin = useAction({
    mutationFn: (shown: Preflight) => start({ plan, interval, confirm: shown.hash, when }),
    onSuccess: (move) => {
      keep(queryClient, move);
      onStarted();
    },
    onError: (error, shown) => {
      const { code } = asProblem(error);
      if (code === "move.preflight_changed") again(shown);
      if (code === "move.active") void queryClient.invalidateQueries({ queryKey: moveQuery.queryKey });
    },
  });

  const shown = query.data;
  const settled = shown !== undefined && !query.isPlaceholderData && !query.isFetching && !query.isError;
  useExpiry(settled ? shown.expiresAt : "", () => again(shown));

  if (query.isPending) return <Loading />;
  if (shown === undefined || (query.isError && !query.isFetching)) {
    return (
      <ProblemNote
        error={query.error}
        title="What the change would mean could not be worked out."
        onRetry={() => void query.refetch()}
        retrying={query.isFetching}
      />
    );
  }
  const changed = settled && before !== null && before.interval === shown.interval && before.toPlan === shown.toPlan;
  return (
    <div className={classes.page} aria-busy={!settled}>
      {changed && before.hash !== shown.hash && (
        <Changed lines={differences(before, shown)} onSeen={() => setBefore(null)} />
      )}
      {begin.isError && asProblem(begin.error).code !== "move.preflight_changed" && (
        <ProblemNote error={begin.error} title="The move was not started." />
      )}
      {shown.blockers.length > 0 && <Blockers preflight={shown} onCheck={() => again(shown)} checking={!settled} />}
      <div className={classes.split} data-stale={query.isPlaceholderData}>
        <div className={classes.column}>
          {shown.excess.length > 0 && <Excess preflight={shown} nameOf={nameOf} />}
          <Changes preflight={shown} nameOf={nameOf} />
          <Moves preflight={shown} />
          <HowItGoes preflight={shown} />
        </div>
        <div className={classes.column}>
          <Price preflight={shown} />
          <Panel title="When to switch" tone="accent">
            <Radio.Group
              aria-label="When to switch"
              value={when}
              onChange={(value) => setWhen(value === "asked" ? "asked" : "ready")}
            >
              <Stack gap="xs">
                <Radio
                  value="ready"
                  label="As soon as it is ready"
                  description="The switch follows once the copy is verified, row by row."
                />
                <Radio
                  value="asked"
                  label="When I press the button"
                  description="The copy is kept up to date until you do."
                />
              </Stack>
            </Radio.Group>
            <Button
              fullWidth
              size="md"
              mt="md"
              classNames={{ root: classes.start, label: classes.label }}
              disabled={!settled || shown.blockers.length > 0}
              loading={begin.isPending}
              onClick={() => begin.mutate(shown)}
            >
              {shown.blockers.length > 0 ? startVerb(shown) : startWords(shown, when)}
            </Button>
            <p className={classes.note}>
              {shown.blockers.length > 0
                ? "It cannot be started before what is named above is out of the way."
                : "Nothing is charged before the copy is verified, and you can stop it at any time before the switch."}
            </p>
          </Panel>
        </div>
      </div>
    </div>
  );
}

// Works it out anew when it no longer holds.
function useExpiry(expiresAt: string, onExpired: () => void) {
  const expired = useEffectEvent(onExpired);
  useEffect(() => {
    const at = Date.parse(expiresAt);
    // Never at once: a clock that goes wrong must not make it ask without end.
    if (Number.isNaN(at) || at <= 0) return;
    const timer = setTimeout(() => expired(), Math.min(Math.max(at - Date.now(), 15_000), 86_400_000));
    return () => clearTimeout(timer);
  }, [expiresAt]);
}

function Loading() {
  return (
    <div className={classes.split} role="status" aria-busy="true" aria-label="Working out what would change">
      <div className={classes.column}>
        <Skeleton height={266} radius="md" />
        <Skeleton height={170} radius="md" />
        <Skeleton height={240} radius="md" />
      </div>
      <div className={classes.column}>
        <Skeleton height={234} radius="md" />
        <Skeleton height={276} radius="md" />
      </div>
    </div>
  );
}

function Changed({ lines, onSeen }: { lines: string[]; onSeen: () => void }) {
  return (
    <div role="alert">
      <Panel
        tone="attention"
        title="It was worked out anew: please look again"
        actions={
          <Button variant="default" size="xs" onClick={onSeen}>
            Understood
          </Button>
        }
      >
        {lines.length === 0 ? (
          <p className={classes.words}>Nothing that is shown here is different. Nothing was started.</p>
        ) : (
          <ul className={classes.list}>
            {lines.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
      </Panel>
    </div>
  );
}

function Blockers({ preflight, onCheck, checking }: { preflight: Preflight; onCheck: () => void; checking: boolean }) {
  return (
    <Panel
      tone="bad"
      title="It cannot be started yet"
      actions={
        <Button variant="default" size="xs" onClick={onCheck} loading={checking}>
          Check again
        </Button>
      }
    >
      <ul className={classes.blockers}>
        {preflight.blockers.map((blocker) => (
          <li key={blocker.code}>
            <p className={classes.strong}>{blocker.text}</p>
            <p className={classes.words}>{blocker.wayOut}</p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

type Named = { preflight: Preflight; nameOf: (plan: string) => string };

function Changes({ preflight, nameOf }: Named) {
  return (
    <Panel title="What changes" flush>
      <DataGrid label="What changes">
        <thead>
          <tr>
            <th scope="col">
              <span className={classes.hidden}>What</span>
            </th>
            <th scope="col" className="num">
              {nameOf(preflight.fromPlan)}, today
            </th>
            <th scope="col" className="num">
              {nameOf(preflight.toPlan)}
            </th>
          </tr>
        </thead>
        <tbody>
          {preflight.changes.map((change) => (
            <tr key={change.what}>
              <th scope="row">{change.what}</th>
              <td className={`num dim ${classes.value}`}>{change.before}</td>
              <td className={`num ${classes.value} ${change.before === change.after ? "dim" : classes.strong}`}>{change.after}</td>
            </tr>
          ))}
        </tbody>
      </DataGrid>
    </Panel>
  );
}

function Excess({ preflight, nameOf }: Named) {
  return (
    <Panel
      tone="attention"
      title={`What does not fit ${nameOf(preflight.toPlan)}`}
      note="Nothing is deleted: what no longer fits can be read and exported, and works again on a larger plan."
      flush
    >
      <DataGrid label="What does not fit">
        <thead>
          <tr>
            <th scope="col">What, and what becomes of it</th>
            <th scope="col" className="num">
              You have
            </th>
            <th scope="col" className="num">
              Allowed
            </th>
          </tr>
        </thead>
        <tbody>
          {preflight.excess.map((row) => (
            <tr key={row.what}>
              <th scope="row">
                {row.what}
                <span className={classes.becomes}>{row.becomes}</span>
              </th>
              <td className="num">{number(row.have)}</td>
              <td className="num">{number(row.allowed)}</td>
            </tr>
          ))}
        </tbody>
      </DataGrid>
    </Panel>
  );
}

function Moves({ preflight: { moves } }: { preflight: Preflight }) {
  return (
    <Panel title="What moves" note="All of it, with its whole history. Every row is compared on both sides before the switch.">
      <dl className={classes.figures}>
        <Figure name="Documents" value={number(moves.documents)} />
        <Figure name="Size" value={bytes(moves.bytes)} />
        <Figure name="Decisions" value={number(moves.decisions)} />
        <Figure name="Files" value={number(moves.files)} />
      </dl>
      {moves.tables.length > 0 && <p className={classes.words}>Tables: {moves.tables.join(", ")}</p>}
    </Panel>
  );
}

function HowItGoes({ preflight }: { preflight: Preflight }) {
  return (
    <Panel title="How it goes">
      <Facts
        rows={[
          { name: "Takes", value: roughly(preflight.expectedSeconds) },
          {
            name: "Writes pause for",
            value: preflight.expectedPauseMillis > 0 ? `about ${duration(preflight.expectedPauseMillis)}` : "not known yet",
          },
          { name: "You can work", value: "all the time" },
        ]}
      />
      {preflight.goBack !== "" && (
        <>
          <h3 className={classes.small}>The way back</h3>
          <p className={classes.words}>{preflight.goBack}</p>
        </>
      )}
    </Panel>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Price({ preflight }: { preflight: Preflight }) {
  const { price: sum, interval } = preflight;
  const shown = (cents: number) => price(cents / 100, sum.currency);
  const year = interval === "year";
  if (sum.lines.length === 0 && preflight.blockers.length > 0) {
    return (
      <Panel title="Price">
        <p className={classes.words}>It is worked out once nothing is in the way.</p>
      </Panel>
    );
  }
  return (
    <Panel title="Price" note={`in ${sum.currency}, paid ${year ? "yearly" : "monthly"}, as you pay today`}>
      <dl className={classes.price}>
        {sum.lines.map((line, index) => (
          <div key={index} className={classes.line}>
            <dt>{line.text}</dt>
            <dd>{shown(line.cents)}</dd>
          </div>
        ))}
        <div className={classes.total}>
          <dt>To pay at the switch</dt>
          <dd>{shown(sum.dueTodayCents)}</dd>
        </div>
        {sum.creditTodayCents > 0 && (
          <div className={classes.line}>
            <dt>Put to your credit; it pays the next invoices</dt>
            <dd>{shown(sum.creditTodayCents)}</dd>
          </div>
        )}
        <div className={classes.line}>
          <dt>From {day(sum.renewsAt)} on, each {year ? "year" : "month"}</dt>
          <dd>{shown(sum.atRenewalCents)}</dd>
        </div>
      </dl>
    </Panel>
  );
}
