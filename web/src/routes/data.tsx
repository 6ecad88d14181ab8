import { useQuery } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { useState } from "react";
import { ProblemsPanel } from "@/features/tables/ProblemsPanel";
import { RowsDrawer } from "@/features/tables/RowsDrawer";
import { SampleList } from "@/features/tables/SampleList";
import { TableCard } from "@/features/tables/TableCard";
import { tableProblemsQuery, tablesQuery, type Sample, type TableKind } from "@/features/tables/tables";
import { Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./data.module.css";

export function DataPage() {
  const tables = useQuery(tablesQuery);
  const problems = useQuery(tableProblemsQuery);
  const [rowsOf, setRowsOf] = useState<TableKind | null>(null);
  const [loaded, setLoaded] = useState<Sample | null>(null);
  const present = tables.data?.some((table) => table.present) ?? false;

  return (
    <Page
      title="Data"
      lead="Three tables are enough: what was sold, what is there, and who delivers."
      actions={
        <LinkButton to="/data/upload" variant="default" leftSection={<FileUp size={16} aria-hidden />}>
          Upload a file
        </LinkButton>
      }
    >
      {loaded !== null && (
        <div className={classes.loaded} role="status">
          <p>
            <strong>{loaded.name}</strong> is loaded: all three tables are in place.
          </p>
          <LinkButton to="/goal" search={{ sample: loaded.id }} size="xs">
            Make a decision
          </LinkButton>
        </div>
      )}
      {tables.isPending && (
        <div className={classes.cards} aria-busy="true">
          {[0, 1, 2].map((card) => (
            <Skeleton key={card} height={290} radius="md" />
          ))}
        </div>
      )}
      {tables.isError && tables.data === undefined && (
        <ProblemNote error={tables.error} title="The tables could not be read." onRetry={() => void tables.refetch()} />
      )}
      {tables.data !== undefined && (
        <div className={classes.cards}>
          {tables.data.map((table) => (
            <TableCard key={table.kind} table={table} onShowRows={setRowsOf} />
          ))}
        </div>
      )}
      {problems.isError && problems.data === undefined && present && (
        <ProblemNote error={problems.error} title="The tables could not be compared." onRetry={() => void problems.refetch()} />
      )}
      {problems.data !== undefined && present && <ProblemsPanel problems={problems.data} />}
      {problems.data?.ready === true && loaded === null && (
        <div>
          <LinkButton to="/goal">Make a decision</LinkButton>
        </div>
      )}
      <Panel title="Sample businesses" note="Try everything with data of a made-up business. It replaces all three tables.">
        <SampleList replaces={present} onLoaded={setLoaded} />
      </Panel>
      <RowsDrawer kind={rowsOf} onClose={() => setRowsOf(null)} />
    </Page>
  );
}
