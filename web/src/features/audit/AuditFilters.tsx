import { useState, type SyntheticEvent } from "react";
import { Button, NativeSelect, TextInput } from "@/ui/kit";
import { tidy, type Filter } from "./audit";
import classes from "./AuditFilters.module.css";

interface AuditFiltersProps {
  filter: Filter;
  actions: { action: string; title: string }[];
  onChange: (filter: Filter) => void;
}

/** What to look for; the address of the page holds it. */
export function AuditFilters({ filter, actions, onChange }: AuditFiltersProps) {
  const [actor, setActor] = useState(filter.actor ?? "");
  const known = actions.some(({ action }) => action === filter.action);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onChange(tidy({ ...filter, actor: actor.trim() }));
  };
  return (
    <form className={classes.filters} onSubmit={submit} role="search" aria-label="Entries">
      <TextInput
        label="Who"
        placeholder="E-mail, or product"
        value={actor}
        onChange={(event) => setActor(event.currentTarget.value)}
        onBlur={() => actor.trim() !== (filter.actor ?? "") && onChange(tidy({ ...filter, actor: actor.trim() }))}
        onKeyDown={(event) => {
          // Without a button to press, Enter sends no form that has several fields.
          if (event.key === "Enter") event.currentTarget.form?.requestSubmit();
        }}
        maxLength={254}
      />
      <NativeSelect
        label="What"
        value={filter.action ?? ""}
        onChange={(event) => onChange(tidy({ ...filter, action: event.currentTarget.value }))}
        data={[
          { value: "", label: "Everything" },
          ...(filter.action !== undefined && filter.action !== "" && !known ? [{ value: filter.action, label: filter.action }] : []),
          ...actions.map(({ action, title }) => ({ value: action, label: title })),
        ]}
      />
      <TextInput
        type="date"
        label="From"
        value={filter.from ?? ""}
        onChange={(event) => onChange(tidy({ ...filter, from: event.currentTarget.value }))}
      />
      <TextInput
        type="date"
        label="Until"
        value={filter.to ?? ""}
        onChange={(event) => onChange(tidy({ ...filter, to: event.currentTarget.value }))}
      />
      {Object.keys(tidy(filter)).length > 0 && (
        <Button
          variant="subtle"
          onClick={() => {
            setActor("");
            onChange({});
          }}
        >
          Clear
        </Button>
      )}
    </form>
  );
}
