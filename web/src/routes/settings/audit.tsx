import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Download, ScrollText, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { sessionQuery } from "@/lib/session";
import { checkLog, entriesQuery, mayAudit, tidy, type Entry } from "@/features/audit/audit";
import { AuditFilters } from "@/features/audit/AuditFilters";
import { CheckResult } from "@/features/audit/CheckResult";
import { EntryDrawer } from "@/features/audit/EntryDrawer";
import { EntryTable } from "@/features/audit/EntryTable";
import { Empty } from "@/ui/Empty";
import { Button, Skeleton } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./audit.module.css";

const route = getRouteApi("/frame/settings/audit");

/** Who did what, for those who may see it. */
export function AuditSettings() {
  const session = useQuery(sessionQuery).data ?? null;
  if (session === null) return <Skeleton height={320} radius="md" />;
  if (!mayAudit(session.role)) {
    return (
      <Panel>
        <Empty icon={<ScrollText size={20} />} title="Owners, admins and auditors see the audit log">
          Ask an owner of {session.tenant.name === "" ? "your company" : session.tenant.name} for one of these roles.
        </Empty>
      </Panel>
    );
  }
  return <AuditLog />;
}

function AuditLog() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const entries = useInfiniteQuery(entriesQuery(filter));
  const [open, setOpen] = useState<Entry | null>(null);
  const check = useAction({
    mutationFn: checkLog,
    // The check has an entry of its own.
    onSettled: () => client.invalidateQueries({ queryKey: ["audit"] }),
  });
  const all = entries.data?.pages.flatMap((page) => page.entries) ?? [];
  const filtered = Object.keys(tidy(filter)).length > 0;
  return (
    <>
      <Panel
        title="Audit log"
        note="Who did what, and when. Nothing in it can be changed without being found out."
        actions={
          <>
            <Button
              variant="default"
              leftSection={<ShieldCheck size={16} aria-hidden />}
              onClick={() => check.mutate()}
              loading={check.isPending}
            >
              Verify chain
            </Button>
            <Button component="a" href="/v1/audit/export" download variant="default" leftSection={<Download size={16} aria-hidden />}>
              Export
            </Button>
          </>
        }
      >
        <AuditFilters
          key={filter.actor ?? ""}
          filter={filter}
          actions={entries.data?.pages[0]?.actions ?? []}
          onChange={(next) => void navigate({ search: next, replace: true })}
        />
      </Panel>
      {check.isError && <ProblemNote error={check.error} title="The log could not be checked." />}
      {check.data !== undefined && <CheckResult check={check.data} />}
      {entries.isPending && <Skeleton height={320} radius="md" />}
      {entries.isError && entries.data === undefined && (
        <ProblemNote error={entries.error} title="The log could not be read." onRetry={() => void entries.refetch()} />
      )}
      {entries.data !== undefined && all.length === 0 && (
        <Panel>
          <Empty icon={<ScrollText size={20} />} title={filtered ? "No entry fits these filters" : "Nothing happened yet"}>
            {filtered ? "Widen the days, or clear the filters." : "The first entry comes with the first change."}
          </Empty>
        </Panel>
      )}
      {all.length > 0 && (
        <Panel flush>
          <EntryTable entries={all} onOpen={setOpen} />
        </Panel>
      )}
      {entries.hasNextPage && (
        <div className={classes.more}>
          <Button variant="default" loading={entries.isFetchingNextPage} onClick={() => void entries.fetchNextPage()}>
            Show older entries
          </Button>
        </div>
      )}
      <EntryDrawer entry={open} onClose={() => setOpen(null)} />
    </>
  );
}
