import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask } from "@/lib/api/client";
import { unreadable } from "@/lib/api/problem";
import { count, list, text } from "@/lib/api/shape";
import { isWebAddress } from "@/lib/links";

const invoiceShape = z.object({
  id: z.string(),
  number: text,
  at: text,
  status: text,
  currency: text,
  totalCents: count,
  dueCents: count,
  paidCents: count,
  refundedCents: count,
});

export type Invoice = z.output<typeof invoiceShape>;

const pageShape = z.object({ invoices: list(invoiceShape), next: text });

export const invoicesQuery = infiniteQueryOptions({
  queryKey: ["billing", "invoices"],
  initialPageParam: "",
  queryFn: ({ pageParam, signal }) =>
    ask(
      pageShape,
      api.GET("/v1/billing/invoices", { params: { query: pageParam === "" ? { limit: 12 } : { after: pageParam, limit: 12 } }, signal }),
    ),
  getNextPageParam: (page) => (page.next === "" ? undefined : page.next),
});

/** Opens an address of the payment service, which is asked for now and kept nowhere. */
function leaveFor(url: string, tab: Window | null) {
  if (!isWebAddress(url, window.location.href)) {
    tab?.close();
    throw unreadable("url of the payment service");
  }
  if (tab === null) window.location.assign(url);
  else tab.location.replace(url);
}

/** Opens an invoice, or its PDF, in another tab. */
export async function openInvoice(id: string, what: "page" | "pdf"): Promise<void> {
  // The tab is opened by the click itself: one that comes later is blocked.
  const tab = window.open("about:blank", "_blank");
  if (tab !== null) tab.opener = null;
  try {
    const links = await ask(z.object({ page: text, pdf: text }), api.GET("/v1/billing/invoices/{id}", { params: { path: { id } } }));
    leaveFor(links[what], tab);
  } catch (error) {
    tab?.close();
    throw error;
  }
}

/** Sends the browser to the payment service's own page. */
export async function openPortal(purpose: "overview" | "payment_method"): Promise<void> {
  const { url } = await ask(z.object({ url: z.string() }), api.POST("/v1/billing/portal", { body: { purpose } }));
  leaveFor(url, null);
}

const payerShape = z.object({
  name: text,
  email: text,
  address: z.object({ line1: text, line2: text, city: text, postalCode: text, state: text, country: text }),
  taxIds: list(z.object({ id: text, type: text, value: text, verified: text })),
});

/** Who the invoices are made out to. */
export type Payer = z.output<typeof payerShape>;

export const payerQuery = queryOptions({
  queryKey: ["billing", "payer"],
  queryFn: ({ signal }) => ask(payerShape, api.GET("/v1/billing/payer", { signal })),
});

export function changePayer(payer: Omit<Payer, "taxIds">): Promise<Payer> {
  return ask(payerShape, api.PUT("/v1/billing/payer", { body: payer }));
}

export function addTaxId(type: string, value: string): Promise<Payer> {
  return ask(payerShape, api.POST("/v1/billing/tax-ids", { body: { type, value } }));
}

export function removeTaxId(id: string): Promise<Payer> {
  return ask(payerShape, api.DELETE("/v1/billing/tax-ids/{id}", { params: { path: { id } } }));
}
