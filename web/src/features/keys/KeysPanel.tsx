import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { asProblem } from "@/lib/api/problem";
import { useAction } from "@/lib/api/useAction";
import { day, moment, nothing, plural } from "@/lib/format";
import { Empty } from "@/ui/Empty";
import { Button, Modal, Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag } from "@/ui/Tag";
import { keysQuery, revokeKey, rotateKey, whyEnded, type Key, type Made } from "./keys";
import { NewKeyForm } from "./NewKeyForm";
import { ShownKey } from "./ShownKey";
import classes from "./keys.module.css";

type Dialog = { kind: "new" } | { kind: "shown"; made: Made } | { kind: "rotate"; key: Key } | { kind: "revoke"; key: Key };

const titles = { new: "New API key", shown: "Copy the key", rotate: "Rotate the key", revoke: "Revoke the key" };

/** The company's API keys: what they may do, when they were used, and how to end them. */
export function KeysPanel() {
  const keys = useQuery(keysQuery);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  if (keys.isPending) return <Skeleton height={220} radius="md" />;
  if (keys.isError && keys.data === undefined) {
    if (asProblem(keys.error).code === "tenancy.forbidden") {
      return (
        <Panel title="API keys" flush>
          <p className={classes.note}>Your role does not see the keys of the company. Owners and admins do.</p>
        </Panel>
      );
    }
    return <ProblemNote error={keys.error} title="The API keys could not be read." onRetry={() => void keys.refetch()} />;
  }
  const { keys: all, api, manage, grantable, days, maxDays, live: most } = keys.data;
  const live = all.filter((key) => key.state === "live").length;
  const mayMake = api && manage;
  return (
    <>
      <Panel
        title="API keys"
        note="For scripts and other programs that ask in a person's name."
        flush
        actions={
          mayMake && (
            <Button size="xs" leftSection={<Plus size={15} aria-hidden />} disabled={live >= most} onClick={() => setDialog({ kind: "new" })}>
              New key
            </Button>
          )
        }
      >
        {!api && (
          <p className={classes.note}>
            Your plan does not have the API{live > 0 && `, so ${plural(live, "key")} answer with 403 until it does`}. Plans from Growth up
            have it.{" "}
            <LinkButton to="/plans" variant="default" size="compact-xs">
              See the plans
            </LinkButton>
          </p>
        )}
        {live >= most && <p className={classes.note}>A company has {most} live keys at most. Revoke one that is not used.</p>}
        {all.length === 0 && api && (
          <Empty icon={<KeyRound size={22} />} title="No keys yet">
            {mayMake ? "Make one for each program, so that each can be ended without the others." : "Owners, admins and operators make them."}
          </Empty>
        )}
        <ul className={classes.list}>
          {all.map((key) => (
            <KeyItem key={key.id} of={key} manage={manage} canRotate={mayMake} onAsk={(kind) => setDialog({ kind, key })} />
          ))}
        </ul>
      </Panel>
      <Modal
        opened={dialog !== null}
        onClose={close}
        size="lg"
        title={dialog === null ? "" : titles[dialog.kind]}
        closeButtonProps={{ "aria-label": "Close" }}
        // A key that is shown is lost when the dialog closes: not by a click beside it.
        closeOnClickOutside={dialog?.kind !== "shown"}
        closeOnEscape={dialog?.kind !== "shown"}
      >
        {dialog?.kind === "new" && (
          <NewKeyForm grantable={grantable} days={days} maxDays={maxDays} onCancel={close} onMade={(made) => setDialog({ kind: "shown", made })} />
        )}
        {dialog?.kind === "shown" && <ShownKey made={dialog.made} onDone={close} />}
        {dialog?.kind === "rotate" && <Rotate of={dialog.key} onCancel={close} onMade={(made) => setDialog({ kind: "shown", made })} />}
        {dialog?.kind === "revoke" && <Revoke of={dialog.key} onDone={close} />}
      </Modal>
    </>
  );
}

interface KeyItemProps {
  of: Key;
  manage: boolean;
  canRotate: boolean;
  onAsk: (what: "rotate" | "revoke") => void;
}

function KeyItem({ of, manage, canRotate, onAsk }: KeyItemProps) {
  const ended = of.state === "ended";
  return (
    <li className={classes.item} data-ended={ended}>
      <div>
        <div className={classes.head}>
          <span className={classes.name}>{of.name}</span>
          <code className={classes.code}>…{of.end}</code>
          {ended ? <Tag>ended, {whyEnded(of)}</Tag> : <Tag tone="good">live</Tag>}
        </div>
        <div className={classes.facts}>
          <span className={classes.small}>{of.scopes.join(", ")}</span>
          {of.networks.length > 0 && <span className={classes.small}>from {of.networks.join(", ")}</span>}
        </div>
        <div className={classes.facts}>
          <span className={classes.small}>made {day(of.made)} by {of.email}</span>
          <span className={classes.small}>{ended ? `ended ${day(of.ended)}` : `ends ${day(of.expires)}`}</span>
          <span className={classes.small}>{moment(of.used) === nothing ? "never used" : `last used around ${moment(of.used)}`}</span>
        </div>
      </div>
      {!ended && manage && (
        <div className={classes.buttons}>
          {canRotate && (
            <Button size="xs" variant="default" aria-label={`Rotate ${of.name} …${of.end}`} onClick={() => onAsk("rotate")}>
              Rotate
            </Button>
          )}
          <Button size="xs" variant="default" aria-label={`Revoke ${of.name} …${of.end}`} onClick={() => onAsk("revoke")}>
            Revoke
          </Button>
        </div>
      )}
    </li>
  );
}

function Rotate({ of, onCancel, onMade }: { of: Key; onCancel: () => void; onMade: (made: Made) => void }) {
  const queryClient = useQueryClient();
  const rotate = useAction({
    mutationFn: () => rotateKey(of.id),
    onSuccess: async (made) => {
      onMade(made);
      await queryClient.invalidateQueries({ queryKey: keysQuery.queryKey });
    },
  });
  return (
    <div className={classes.form}>
      <p>
        This makes a second key like <strong>{of.name}</strong>, with the same scopes. Both work until you revoke this one, so programs can
        change over without a gap. The new key asks in your name.
      </p>
      {rotate.isError && <ProblemNote error={rotate.error} title="The key was not rotated." />}
      <div className={classes.buttons}>
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button data-autofocus loading={rotate.isPending} onClick={() => rotate.mutate()}>
          Make the second key
        </Button>
      </div>
    </div>
  );
}

function Revoke({ of, onDone }: { of: Key; onDone: () => void }) {
  const queryClient = useQueryClient();
  const revoke = useAction({
    mutationFn: () => revokeKey(of.id),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: keysQuery.queryKey });
      onDone();
    },
  });
  return (
    <div className={classes.form}>
      <p>
        Programs that use <strong>{of.name}</strong> (…{of.end}) are refused from this moment on. This cannot be undone.
      </p>
      {revoke.isError && <ProblemNote error={revoke.error} title="The key was not revoked." />}
      <div className={classes.buttons}>
        <Button variant="default" data-autofocus onClick={onDone}>
          Keep it
        </Button>
        <Button color="red" loading={revoke.isPending} onClick={() => revoke.mutate()}>
          Revoke the key
        </Button>
      </div>
    </div>
  );
}
