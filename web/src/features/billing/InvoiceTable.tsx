import { useInfiniteQuery } from "@tanstack/react-query";
import { useAction } from "@/lib/api/useAction";
import { cents, day } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import { Button, Skeleton } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag, type TagTone } from "@/ui/Tag";
import classes from "./Billing.module.css";
import { invoicesQuery, openInvoice, type Invoice } from "./papers";

const tones: Record<string, TagTone> = { paid: "good", open: "attention", uncollectible: "bad" };

/** What was billed, newest first; each opens at the payment service. */
export function InvoiceTable() {
  const invoices = useInfiniteQuery(invoicesQuery);
  const open = useAction({ mutationFn: ({ id, what }: { id: string; what: "page" | "pdf" }) => openInvoice(id, what) });
  const all = invoices.data?.pages.flatMap((page) => page.invoices) ?? [];
  return (
    <Panel title="Invoices" flush>
      {invoices.isPending && <Skeleton height={96} radius={0} />}
      {invoices.isError && (
        <ProblemNote
          error={invoices.error}
          title="The invoices could not be read."
          onRetry={() => void invoices.refetch()}
          retrying={invoices.isFetching}
        />
      )}
      {open.isError && <ProblemNote error={open.error} title="The invoice did not open." />}
      {invoices.isSuccess && all.length === 0 && <p className={classes.bare}>No invoice yet. The first one comes with the first payment.</p>}
      {all.length > 0 && (
        <DataGrid label="Invoices">
          <thead>
            <tr>
              <th scope="col">Date</th>
              <th scope="col" className={classes.spare}>
                Number
              </th>
              <th scope="col">State</th>
              <th scope="col" className="num">
                Total
              </th>
              <th scope="col" className="num">
                Refunded
              </th>
              <th scope="col" className="num">
                Open
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map((invoice) => (
              <Row key={invoice.id} invoice={invoice} opening={open.isPending} onOpen={(what) => open.mutate({ id: invoice.id, what })} />
            ))}
          </tbody>
        </DataGrid>
      )}
      {invoices.hasNextPage && (
        <div className={classes.bare}>
          <Button size="xs" variant="default" loading={invoices.isFetchingNextPage} onClick={() => void invoices.fetchNextPage()}>
            Show earlier ones
          </Button>
        </div>
      )}
    </Panel>
  );
}

function Row({ invoice, opening, onOpen }: { invoice: Invoice; opening: boolean; onOpen: (what: "page" | "pdf") => void }) {
  const currency = invoice.currency.toUpperCase();
  const name = invoice.number === "" ? day(invoice.at) : invoice.number;
  return (
    <tr>
      <td className={`keep ${classes.row}`}>{day(invoice.at)}</td>
      <td className={`keep ${classes.row} ${classes.spare}`}>{invoice.number}</td>
      <td className={`keep ${classes.row}`}>
        <Tag tone={tones[invoice.status] ?? "quiet"}>{invoice.status === "open" ? `open, ${cents(invoice.dueCents, currency)} due` : invoice.status}</Tag>
      </td>
      <td className={`num ${classes.row}`}>{cents(invoice.totalCents, currency)}</td>
      <td className={`num ${classes.row}`}>{invoice.refundedCents === 0 ? "" : cents(invoice.refundedCents, currency)}</td>
      <td className={classes.row}>
        <span className={classes.buttons}>
          <Button size="compact-xs" variant="subtle" disabled={opening} aria-label={`Open invoice ${name}`} onClick={() => onOpen("page")}>
            {invoice.status === "open" ? "Pay" : "Open"}
          </Button>
          <Button size="compact-xs" variant="subtle" disabled={opening} aria-label={`PDF of invoice ${name}`} onClick={() => onOpen("pdf")}>
            PDF
          </Button>
        </span>
      </td>
    </tr>
  );
}
