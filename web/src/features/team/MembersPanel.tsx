import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { day, plural } from "@/lib/format";
import { Button, Group, Modal, NativeSelect, Progress, Skeleton } from "@/ui/kit";
import { TextLink } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag } from "@/ui/Tag";
import { nameOfRole, permissionsQuery, type Table } from "@/lib/permissions";
import { changeRole, giveSeat, removeMember, teamQuery, type Member, type Seats } from "./team";
import classes from "./Team.module.css";

/** Who works in the company, as what, and how many seats that takes. */
export function MembersPanel() {
  const team = useQuery(teamQuery);
  const table = useQuery(permissionsQuery).data;
  if (team.isPending) return <Skeleton height={220} radius="md" />;
  if (team.isError && team.data === undefined) {
    return <ProblemNote error={team.error} title="The members could not be read." onRetry={() => void team.refetch()} retrying={team.isFetching} />;
  }
  const { members, seats } = team.data;
  return (
    <Panel title="Members" note={<SeatsLine seats={seats} />} flush>
      <ul className={classes.list}>
        {members.map((member) => (
          <MemberRow key={member.person} member={member} table={table} />
        ))}
      </ul>
    </Panel>
  );
}

function SeatsLine({ seats }: { seats: Seats }) {
  if (seats.limit === 0) return <>{plural(seats.used, "member")}; the {seats.plan} plan has as many seats as you need.</>;
  const over = seats.used > seats.limit;
  return (
    <span className={classes.stack}>
      <span className={classes.seats}>
        <span>
          {seats.used} of {plural(seats.limit, "seat")} taken
        </span>
        <Progress
          className={classes.bar}
          value={Math.min(100, (100 * seats.used) / seats.limit)}
          color={over ? "red" : undefined}
          size="sm"
          aria-label="Seats taken"
        />
      </span>
      {seats.used >= seats.limit && (
        <span>
          {over ? "Who has no seat can read and not change anything. " : ""}
          {seats.plan === "" ? "Without a plan there is one seat." : `The ${seats.plan} plan has ${plural(seats.limit, "seat")}.`}{" "}
          <TextLink to="/plans" inherit underline="always">
            See the plans
          </TextLink>
        </span>
      )}
    </span>
  );
}

function MemberRow({ member, table }: { member: Member; table: Table | undefined }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<"remove" | "owner" | null>(null);
  const fresh = async () => {
    await Promise.all([
      queryClient.invalidateQueries({ queryKey: teamQuery.queryKey }),
      queryClient.invalidateQueries({ queryKey: ["session"] }),
    ]);
  };
  const role = useAction({
    mutationFn: (next: string) => changeRole(member.person, next),
    onSuccess: () => setAsked(null),
    onSettled: fresh,
  });
  const seat = useAction({ mutationFn: () => giveSeat(member.person), onSettled: fresh });
  const remove = useAction({
    mutationFn: () => removeMember(member.person),
    onSuccess: async () => {
      setAsked(null);
      if (!member.you) return fresh();
      queryClient.clear(); // everything that was read belongs to the company that was left
      await navigate({ to: "/" });
    },
  });
  const choose = (next: string) => (next === "owner" ? setAsked("owner") : role.mutate(next));
  const failed = role.error ?? seat.error;
  return (
    <li className={classes.row}>
      <div className={classes.who}>
        <span className={classes.mail}>{member.email}</span>
        <span className={classes.small}>
          {member.you && <span>you</span>}
          <span>joined {day(member.joined)}</span>
          {member.readOnly && <Tag tone="attention">No seat, reads only</Tag>}
        </span>
      </div>
      {member.roles.length > 0 ? (
        <NativeSelect
          size="xs"
          aria-label={`Role of ${member.email}`}
          value={role.isPending ? role.variables : member.role}
          disabled={role.isPending}
          onChange={(event) => choose(event.currentTarget.value)}
          data={member.roles.map((one) => ({ value: one, label: nameOfRole(table, one) }))}
        />
      ) : (
        <span>{nameOfRole(table, member.role)}</span>
      )}
      <div className={classes.acts}>
        {member.giveSeat && (
          <Button size="xs" variant="default" loading={seat.isPending} onClick={() => seat.mutate()}>
            Give a seat
          </Button>
        )}
        {member.remove && (
          <Button
            size="xs"
            variant="subtle"
            color="red"
            aria-label={member.you ? "Leave the company" : `Remove ${member.email}`}
            onClick={() => {
              remove.reset();
              setAsked("remove");
            }}
          >
            {member.you ? "Leave" : "Remove"}
          </Button>
        )}
      </div>
      {failed !== null && asked === null && (
        <div className={classes.who}>
          <ProblemNote error={failed} title="That was not done." />
        </div>
      )}
      <Modal
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={asked === "owner" ? "Make an owner?" : member.you ? "Leave the company?" : "Remove this member?"}
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <p>
          {asked === "owner"
            ? `${member.email} will be able to do everything you can, closing the company and removing you included.`
            : member.you
              ? "You will not see this company any more. Somebody has to invite you to come back."
              : `${member.email} loses access at once. What they did stays.`}
        </p>
        {asked === "remove" && remove.isError && <ProblemNote error={remove.error} title="That was not done." />}
        {asked === "owner" && role.isError && <ProblemNote error={role.error} title="That was not done." />}
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={() => setAsked(null)} data-autofocus>
            Not now
          </Button>
          {asked === "owner" ? (
            <Button loading={role.isPending} onClick={() => role.mutate("owner")}>
              Make an owner
            </Button>
          ) : (
            <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
              {member.you ? "Leave" : "Remove"}
            </Button>
          )}
        </Group>
      </Modal>
    </li>
  );
}
