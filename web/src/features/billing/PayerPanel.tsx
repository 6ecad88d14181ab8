import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type SyntheticEvent } from "react";
import { useAction } from "@/lib/api/useAction";
import { Button, NativeSelect, Skeleton, TextInput } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag } from "@/ui/Tag";
import classes from "./Billing.module.css";
import { addTaxId, changePayer, payerQuery, removeTaxId, type Payer } from "./papers";

/** Who the invoices are made out to, with tax numbers. */
export function PayerPanel() {
  const payer = useQuery(payerQuery);
  return (
    <Panel title="Invoices go to" note="Letters about payment go to the same address.">
      {payer.isPending && <Skeleton height={180} radius="md" />}
      {payer.isError && payer.data === undefined && (
        <ProblemNote error={payer.error} title="The address could not be read." onRetry={() => void payer.refetch()} retrying={payer.isFetching} />
      )}
      {payer.data !== undefined && (
        <>
          <AddressForm payer={payer.data} />
          <TaxNumbers payer={payer.data} />
        </>
      )}
    </Panel>
  );
}

const fields = [
  { name: "name", label: "Company or name", max: 120, wide: true, autoComplete: "organization" },
  { name: "email", label: "E-mail", max: 254, wide: true, autoComplete: "email" },
  { name: "line1", label: "Address", max: 200, wide: true, autoComplete: "address-line1" },
  { name: "line2", label: "Address, second line", max: 200, wide: true, autoComplete: "address-line2" },
  { name: "postalCode", label: "Postal code", max: 20, wide: false, autoComplete: "postal-code" },
  { name: "city", label: "City", max: 100, wide: false, autoComplete: "address-level2" },
  { name: "state", label: "State or region", max: 100, wide: false, autoComplete: "address-level1" },
  { name: "country", label: "Country, two letters", max: 2, wide: false, autoComplete: "country" },
] as const;

type Field = (typeof fields)[number]["name"];

function flat(payer: Payer): Record<Field, string> {
  return { name: payer.name, email: payer.email, ...payer.address };
}

function AddressForm({ payer }: { payer: Payer }) {
  const queryClient = useQueryClient();
  const [typed, setTyped] = useState(() => flat(payer));
  const save = useAction({
    mutationFn: () => {
      const { name, email, ...address } = typed;
      return changePayer({ name: name.trim(), email: email.trim(), address: { ...address, country: address.country.trim().toUpperCase() } });
    },
    onSuccess: (news) => {
      queryClient.setQueryData(payerQuery.queryKey, news);
      setTyped(flat(news));
    },
  });
  const known = flat(payer);
  const changed = fields.some(({ name }) => typed[name] !== known[name]);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <div className={classes.fields}>
        {fields.map(({ name, label, max, wide, autoComplete }) => (
          <TextInput
            key={name}
            className={wide ? classes.wide : undefined}
            label={label}
            value={typed[name]}
            maxLength={max}
            autoComplete={autoComplete}
            type={name === "email" ? "email" : "text"}
            required={name === "name" || name === "email"}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setTyped((before) => ({ ...before, [name]: value }));
            }}
          />
        ))}
      </div>
      <div className={classes.actions}>
        <Button type="submit" size="xs" disabled={!changed} loading={save.isPending}>
          Save
        </Button>
        {save.isSuccess && !changed && <Tag tone="good">Saved</Tag>}
      </div>
      {save.isError && <ProblemNote error={save.error} title="The address was not saved." />}
    </form>
  );
}

const kinds = [
  { value: "eu_vat", label: "EU VAT number" },
  { value: "gb_vat", label: "UK VAT number" },
  { value: "ch_vat", label: "Swiss VAT number" },
  { value: "us_ein", label: "US EIN" },
  { value: "ca_bn", label: "Canadian BN" },
  { value: "au_abn", label: "Australian ABN" },
  { value: "in_gst", label: "Indian GST number" },
  { value: "jp_cn", label: "Japanese corporate number" },
];

function TaxNumbers({ payer }: { payer: Payer }) {
  const queryClient = useQueryClient();
  const [kind, setKind] = useState("eu_vat");
  const [value, setValue] = useState("");
  const keep = (news: Payer) => queryClient.setQueryData(payerQuery.queryKey, news);
  const add = useAction({
    mutationFn: () => addTaxId(kind, value.trim()),
    onSuccess: (news) => {
      keep(news);
      setValue("");
    },
  });
  const remove = useAction({ mutationFn: removeTaxId, onSuccess: keep });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form onSubmit={submit} aria-label="Tax numbers" className={classes.next}>
      {payer.taxIds.length > 0 && (
        <ul className={classes.taxes} aria-label="Tax numbers">
          {payer.taxIds.map((tax) => (
            <li key={tax.id}>
              <span>
                {kinds.find((one) => one.value === tax.type)?.label ?? tax.type}: {tax.value}
              </span>
              <Button
                size="compact-xs"
                variant="subtle"
                color="red"
                aria-label={`Remove ${tax.value}`}
                loading={remove.isPending && remove.variables === tax.id}
                onClick={() => remove.mutate(tax.id)}
              >
                Remove
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div className={classes.fields}>
        <NativeSelect label="Kind of tax number" data={kinds} value={kind} onChange={(event) => setKind(event.currentTarget.value)} />
        <TextInput label="Tax number" value={value} maxLength={40} onChange={(event) => setValue(event.currentTarget.value)} />
      </div>
      <div className={classes.actions}>
        <Button type="submit" size="xs" variant="default" disabled={value.trim().length < 2} loading={add.isPending}>
          Add the tax number
        </Button>
      </div>
      {add.isError && <ProblemNote error={add.error} title="The tax number was not added." />}
      {remove.isError && <ProblemNote error={remove.error} title="The tax number was not removed." />}
    </form>
  );
}
