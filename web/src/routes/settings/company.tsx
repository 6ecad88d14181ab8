import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { closeCompany, companyQuery, exportAddress, rename, reopenCompany, type Company } from "@/features/company/company";
import { useAction } from "@/lib/api/useAction";
import { permissionsQuery, may, useMay } from "@/lib/permissions";
import { sessionQuery } from "@/lib/session";
import { asProblem } from "@/lib/api/problem";
import { day, moment } from "@/lib/format";
import { Facts } from "@/ui/Facts";
import { Button, Group, Modal, Skeleton, TextInput } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "@/features/company/Company.module.css";

/** The company itself: its name, what is kept about it, and its end. */
export function CompanySettings() {
  const company = useQuery(companyQuery);
  const session = useQuery(sessionQuery).data ?? null;
  const table = useQuery(permissionsQuery).data;
  const manages = useMay("company", "manage");
  const exports = useMay("company", "export");
  if (company.isPending || session === null) return <Skeleton height={220} radius="md" />;
  if (company.isError && company.data === undefined) {
    return <ProblemNote error={company.error} title="The company could not be read." onRetry={() => void company.refetch()} retrying={company.isFetching} />;
  }
  // Opening again is the one thing that a closed company lets an owner do.
  const closes = may(table, session.role, "company", "close");
  const { data } = company;
  return (
    <>
      {data.status === "closed" && <Closed company={data} mayReopen={closes} />}
      {data.status === "closing" && (
        <Panel title="The company is being closed" tone="attention">
          The payment service does not answer at the moment. As soon as the subscription has ended, the company is closed.
        </Panel>
      )}
      {data.status === "suspended" && (
        <Panel title="The account is suspended" tone="attention">
          Everything can be read and exported, nothing changed. Write to our support.
        </Panel>
      )}
      <Panel title="Company">
        {manages ? (
          <Name company={data} />
        ) : (
          <Facts rows={[{ name: "Name", value: data.name }]} />
        )}
        <Facts
          rows={[
            { name: "ID", value: <code>{data.id}</code> },
            { name: "With us since", value: day(data.created) },
          ]}
        />
      </Panel>
      {exports && (
        <Panel title="Export" note="What is kept about the company: members, invitations, billing, where it runs, and its moves.">
          <div className={classes.stack}>
            <p className={classes.hint}>One JSON file. Your tables and decisions are exported where they are shown.</p>
            <Button component="a" href={exportAddress} download variant="default" size="xs" leftSection={<Download size={15} aria-hidden />}>
              Download the file
            </Button>
          </div>
        </Panel>
      )}
      {closes && data.status === "active" && <Close company={data} />}
    </>
  );
}

function Name({ company }: { company: Company }) {
  const queryClient = useQueryClient();
  const [name, setName] = useState(company.name);
  const save = useAction({
    mutationFn: rename,
    onSuccess: () =>
      Promise.all(["company", "session", "tenants"].map((key) => queryClient.invalidateQueries({ queryKey: [key] }))),
  });
  const changed = name.trim() !== company.name;
  return (
    <form
      className={classes.stack}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(name);
      }}
    >
      <div className={classes.line}>
        <TextInput className={classes.grow} label="Name" maxLength={120} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" disabled={!changed || name.trim() === ""} loading={save.isPending}>
          Rename
        </Button>
      </div>
      {save.isError && <ProblemNote error={save.error} title="The name was not changed." />}
      {save.isSuccess && !changed && (
        <p className={classes.hint} role="status">
          The company has its new name.
        </p>
      )}
    </form>
  );
}

function Closed({ company, mayReopen }: { company: Company; mayReopen: boolean }) {
  const queryClient = useQueryClient();
  const reopen = useAction({
    mutationFn: reopenCompany,
    onSuccess: () => Promise.all(["company", "session", "tenants"].map((key) => queryClient.invalidateQueries({ queryKey: [key] }))),
  });
  return (
    <Panel title="The company is closed" tone="bad">
      <div className={classes.stack}>
        <p>Everything is deleted on {moment(company.deleteAt)}. Until then everybody can read and export.</p>
        {mayReopen ? (
          <Button loading={reopen.isPending} onClick={() => reopen.mutate()}>
            Open it again
          </Button>
        ) : (
          <p className={classes.hint}>An owner can open it again.</p>
        )}
        {reopen.isError && <ProblemNote error={reopen.error} title="The company was not opened." />}
      </div>
    </Panel>
  );
}

function Close({ company }: { company: Company }) {
  const queryClient = useQueryClient();
  const [asked, setAsked] = useState(false);
  const [typed, setTyped] = useState("");
  const close = useAction({
    mutationFn: closeCompany,
    onSuccess: () => {
      setAsked(false);
      return Promise.all(["company", "session", "tenants", "billing"].map((key) => queryClient.invalidateQueries({ queryKey: [key] })));
    },
  });
  const stale = close.isError && asProblem(close.error).code === "identity.step_up";
  return (
    <Panel title="Close the company" note="The subscription ends at once. Everything is deleted after 30 days, in which an owner can open the company again.">
      <Button
        color="red"
        variant="outline"
        size="xs"
        onClick={() => {
          close.reset();
          setTyped("");
          setAsked(true);
        }}
      >
        Close the company
      </Button>
      <Modal opened={asked} onClose={() => setAsked(false)} title={`Close ${company.name}?`} closeButtonProps={{ "aria-label": "Close" }}>
        <form
          className={classes.stack}
          onSubmit={(event) => {
            event.preventDefault();
            close.mutate(typed);
          }}
        >
          <p>
            The subscription ends now and nothing is given back. Everybody can read and export for 30 days; then the data, the
            records and the accounts that belong to no other company are deleted, and you get a signed proof.
          </p>
          <TextInput
            w="100%"
            label={`Type ${company.name} to confirm`}
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            data-autofocus
          />
          {close.isError && (
            <ProblemNote error={close.error} title={stale ? "Sign out and in again first, then close the company." : "The company was not closed."} />
          )}
          <Group justify="flex-end" w="100%">
            <Button variant="default" onClick={() => setAsked(false)}>
              Not now
            </Button>
            <Button type="submit" color="red" disabled={typed !== company.name} loading={close.isPending}>
              Close the company
            </Button>
          </Group>
        </form>
      </Modal>
    </Panel>
  );
}
