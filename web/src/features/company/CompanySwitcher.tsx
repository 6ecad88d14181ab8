import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check, ChevronsUpDown } from "lucide-react";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import type { Session } from "@/lib/session";
import { Button, Modal, Skeleton, TextInput, UnstyledButton } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import { choose, found, mineQuery } from "./company";
import classes from "./Company.module.css";

/** The company one works in, and the way to another of one's companies. */
export function CompanySwitcher({ session, onGo }: { session: Session; onGo?: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <UnstyledButton
        className={classes.switch}
        aria-label={`${session.tenant.name}: change the company`}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <span className={classes.words}>
          <span className={classes.name}>{session.tenant.name}</span>
          <span className={classes.small}>{session.plan === null ? "No plan" : `${session.plan.name} plan`}</span>
        </span>
        <ChevronsUpDown size={15} aria-hidden />
      </UnstyledButton>
      <Modal opened={open} onClose={() => setOpen(false)} title="Your companies" closeButtonProps={{ "aria-label": "Close" }}>
        <Choices onDone={onGo} />
      </Modal>
    </>
  );
}

function Choices({ onDone }: { onDone?: () => void }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const mine = useQuery(mineQuery);
  const [name, setName] = useState("");
  // Everything that was read belongs to the company before.
  const leave = async () => {
    queryClient.clear();
    onDone?.();
    await navigate({ to: "/" });
  };
  const go = useAction({ mutationFn: choose, onSuccess: leave });
  const make = useAction({ mutationFn: found, onSuccess: leave });
  return (
    <>
      {mine.isPending && <Skeleton height={80} radius="md" />}
      {mine.isError && mine.data === undefined && (
        <ProblemNote error={mine.error} title="Your companies could not be read." onRetry={() => void mine.refetch()} />
      )}
      <ul className={classes.list}>
        {mine.data?.map((one) => (
          <li key={one.id}>
            <UnstyledButton
              className={classes.choice}
              aria-current={one.current || undefined}
              disabled={go.isPending}
              onClick={() => (one.current ? undefined : go.mutate(one.id))}
            >
              <span className={classes.words}>
                <span className={classes.name}>{one.name}</span>
                <span className={classes.small}>
                  {one.role}
                  {one.status === "active" ? "" : `, ${one.status}`}
                </span>
              </span>
              {one.current && <Check size={16} aria-hidden />}
            </UnstyledButton>
          </li>
        ))}
      </ul>
      {go.isError && <ProblemNote error={go.error} title="The company was not changed." />}
      <form
        className={classes.line}
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate(name);
        }}
      >
        <TextInput
          className={classes.grow}
          label="Another company"
          placeholder="Its name"
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" disabled={name.trim() === ""} loading={make.isPending}>
          Make it
        </Button>
      </form>
      {make.isError && <ProblemNote error={make.error} title="The company was not made." />}
    </>
  );
}
