import { useQueryClient } from "@tanstack/react-query";
import { useState, type SyntheticEvent } from "react";
import { useAction } from "@/lib/api/useAction";
import { Button, Checkbox, NumberInput, Textarea, TextInput } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import { byResource, keysQuery, makeKey, readNetworks, type Made } from "./keys";
import classes from "./keys.module.css";

interface NewKeyFormProps {
  grantable: string[];
  days: number;
  maxDays: number;
  onMade: (made: Made) => void;
  onCancel: () => void;
}

/** What a new key shall be called, may do, and how long. */
export function NewKeyForm({ grantable, days, maxDays, onMade, onCancel }: NewKeyFormProps) {
  const queryClient = useQueryClient();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<string[]>([]);
  const [life, setLife] = useState<number | string>(days);
  const [networks, setNetworks] = useState("");
  const [tried, setTried] = useState(false);
  const make = useAction({
    mutationFn: makeKey,
    onSuccess: async (made) => {
      onMade(made);
      await queryClient.invalidateQueries({ queryKey: keysQuery.queryKey });
    },
  });

  const lifeWrong = typeof life !== "number" || life < 1 || life > maxDays;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setTried(true);
    if (name.trim() === "" || scopes.length === 0 || lifeWrong) return;
    make.mutate({ name: name.trim(), scopes, days: life, networks: readNetworks(networks) });
  };

  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <TextInput
        label="Name"
        description="So that you know later what uses it, such as Nightly export."
        maxLength={60}
        required
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={tried && name.trim() === "" ? "Give the key a name." : null}
      />
      <div>
        <fieldset className={classes.scopes} aria-describedby={tried && scopes.length === 0 ? "scopes-wrong" : undefined}>
          <legend className={classes.legend}>What it may do</legend>
          {byResource(grantable).map(({ resource, scopes: within }) => (
            <div key={resource} className={classes.group}>
              <p className={classes.resource}>{resource}</p>
              {within.map(({ scope, action }) => (
                <Checkbox
                  key={scope}
                  size="xs"
                  label={action}
                  aria-label={`${resource}: ${action}`}
                  checked={scopes.includes(scope)}
                  onChange={(event) => {
                    const on = event.currentTarget.checked;
                    setScopes((before) => (on ? [...before, scope] : before.filter((each) => each !== scope)));
                  }}
                />
              ))}
            </div>
          ))}
        </fieldset>
        {tried && scopes.length === 0 && (
          <p id="scopes-wrong" role="alert" className={classes.wrong}>
            Choose at least one.
          </p>
        )}
      </div>
      <NumberInput
        label="Ends after"
        suffix=" days"
        min={1}
        max={maxDays}
        allowDecimal={false}
        value={life}
        onChange={setLife}
        error={tried && lifeWrong ? `From 1 to ${maxDays} days.` : null}
      />
      <Textarea
        label="Networks (optional)"
        description="The key then works from these only, such as 203.0.113.0/24. One a line, ten at most."
        rows={2}
        value={networks}
        onChange={(event) => setNetworks(event.currentTarget.value)}
      />
      {make.isError && <ProblemNote error={make.error} title="The key was not made." />}
      <div className={classes.buttons}>
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" loading={make.isPending}>
          Make the key
        </Button>
      </div>
    </form>
  );
}
