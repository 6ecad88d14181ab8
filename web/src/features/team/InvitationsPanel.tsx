import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useForm, useWatch } from "react-hook-form";
import * as z from "zod/mini";
import { useAction } from "@/lib/api/useAction";
import type { Session } from "@/lib/session";
import { day, moment } from "@/lib/format";
import { Button, NativeSelect, TextInput } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag } from "@/ui/Tag";
import { nameOfRole, permissionsQuery, useMay, type Table } from "@/lib/permissions";
import { invitationsQuery, invite, resend, revoke, type Invitation } from "./team";
import classes from "./Team.module.css";

const formShape = z.object({
  email: z.string().check(z.trim(), z.email("Give an e-mail address, like ana@example.com.")),
  role: z.string(),
});

/** Who is asked to join, and a form to ask somebody. */
export function InvitationsPanel({ session }: { session: Session }) {
  const open = useQuery(invitationsQuery);
  const table = useQuery(permissionsQuery).data;
  const manages = useMay("members", "manage");
  const grants = table?.roles.find((one) => one.role === session.role)?.grants ?? [];
  if (!manages && (open.data ?? []).length === 0) return null;
  return (
    <Panel title="Invitations" note="Whoever you invite gets a mail with a link. A seat is taken when they join.">
      <div className={classes.stack}>
        {manages && grants.length > 0 && <InviteForm grants={grants} table={table} />}
        {open.isError && open.data === undefined && (
          <ProblemNote error={open.error} title="The invitations could not be read." onRetry={() => void open.refetch()} retrying={open.isFetching} />
        )}
        {open.data !== undefined && open.data.length === 0 && <p className={classes.hint}>Nobody is invited at the moment.</p>}
        {open.data !== undefined && open.data.length > 0 && (
          <ul className={classes.list} aria-label="Open invitations">
            {open.data.map((one) => (
              <InvitationRow key={one.id} invitation={one} table={table} manages={manages} />
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}

function InviteForm({ grants, table }: { grants: string[]; table: Table | undefined }) {
  const queryClient = useQueryClient();
  const least = grants.includes("analyst") ? "analyst" : (grants.at(-1) ?? "");
  const form = useForm({ resolver: zodResolver(formShape), defaultValues: { email: "", role: least } });
  const send = useAction({
    mutationFn: invite,
    onSuccess: () => {
      form.reset({ email: "", role: form.getValues("role") });
      form.setFocus("email");
      return queryClient.invalidateQueries({ queryKey: invitationsQuery.queryKey });
    },
  });
  const chosen = useWatch({ control: form.control, name: "role" });
  return (
    <form noValidate className={classes.stack} onSubmit={form.handleSubmit((who) => send.mutate(who))}>
      <div className={classes.form}>
        <TextInput label="E-mail" type="email" autoComplete="off" spellCheck={false} {...form.register("email")} />
        <NativeSelect
          label="Role"
          data={grants.map((one) => ({ value: one, label: nameOfRole(table, one) }))}
          {...form.register("role")}
        />
        <Button type="submit" loading={send.isPending}>
          Invite
        </Button>
      </div>
      {form.formState.errors.email !== undefined && (
        <p className={classes.hint} role="alert">
          {form.formState.errors.email.message}
        </p>
      )}
      <p className={classes.hint}>
        {nameOfRole(table, chosen)}: {table?.roles.find((one) => one.role === chosen)?.summary}
      </p>
      {send.isError && <ProblemNote error={send.error} title="The invitation was not sent." />}
      {send.isSuccess && (
        <p className={classes.hint} role="status">
          {send.variables.email} has been written to.
        </p>
      )}
    </form>
  );
}

function InvitationRow({ invitation, table, manages }: { invitation: Invitation; table: Table | undefined; manages: boolean }) {
  const queryClient = useQueryClient();
  const fresh = () => queryClient.invalidateQueries({ queryKey: invitationsQuery.queryKey });
  const again = useAction({ mutationFn: () => resend(invitation.id), onSettled: fresh });
  const back = useAction({ mutationFn: () => revoke(invitation.id), onSettled: fresh });
  const failed = again.error ?? back.error;
  return (
    <li className={classes.row}>
      <div className={classes.who}>
        <span className={classes.mail}>{invitation.email}</span>
        <span className={classes.small}>
          <span>
            sent {moment(invitation.sent)} by {invitation.inviter}
          </span>
          {invitation.over ? <Tag tone="attention">Expired</Tag> : <span>good until {day(invitation.expires)}</span>}
        </span>
      </div>
      <span>{nameOfRole(table, invitation.role)}</span>
      <div className={classes.acts}>
        {manages && (
          <>
            <Button
              size="xs"
              variant="default"
              aria-label={`Send the invitation of ${invitation.email} again`}
              loading={again.isPending}
              onClick={() => again.mutate()}
            >
              {again.isSuccess ? "Sent" : "Resend"}
            </Button>
            <Button
              size="xs"
              variant="subtle"
              color="red"
              aria-label={`Revoke the invitation of ${invitation.email}`}
              loading={back.isPending}
              onClick={() => back.mutate()}
            >
              Revoke
            </Button>
          </>
        )}
      </div>
      {failed !== null && (
        <div className={classes.who}>
          <ProblemNote error={failed} title="That was not done." />
        </div>
      )}
    </li>
  );
}
