import { useInfiniteQuery } from "@tanstack/react-query";
import { DataGrid } from "@/ui/DataGrid";
import { Button, Drawer, Skeleton } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import { isNumeric } from "./cells";
import { nameOf, rowsQuery, type TableKind } from "./tables";
import classes from "./RowsDrawer.module.css";

/** The rows of a table as the product holds them, a hundred at a time. */
export function RowsDrawer({ kind, onClose }: { kind: TableKind | null; onClose: () => void }) {
  return (
    <Drawer
      opened={kind !== null}
      onClose={onClose}
      position="right"
      size="xl"
      title={kind === null ? "" : nameOf(kind)}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {kind !== null && <Rows kind={kind} />}
    </Drawer>
  );
}

function Rows({ kind }: { kind: TableKind }) {
  const rows = useInfiniteQuery(rowsQuery(kind));
  if (rows.isPending) return <Skeleton height={480} radius="sm" />;
  if (rows.isError && rows.data === undefined) {
    return <ProblemNote error={rows.error} title="The rows could not be read." onRetry={() => void rows.refetch()} />;
  }
  const columns = rows.data.pages[0]?.columns ?? [];
  const all = rows.data.pages.flatMap((page) => page.rows);
  const numeric = columns.map((_, index) => isNumeric(all.slice(0, 50).map((row) => row[index] ?? "")));
  return (
    <div className={classes.rows}>
      <DataGrid label={`Rows of ${nameOf(kind)}`} maxHeight="calc(100dvh - 9rem)">
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={column} scope="col" className={numeric[index] === true ? "num" : undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {all.map((row, line) => (
            <tr key={line}>
              {columns.map((column, index) => (
                <td key={column} className={numeric[index] === true ? "num" : undefined}>
                  {row[index]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </DataGrid>
      {rows.hasNextPage && (
        <Button variant="default" loading={rows.isFetchingNextPage} onClick={() => void rows.fetchNextPage()}>
          Show more rows
        </Button>
      )}
    </div>
  );
}
