import { useMutation } from "@tanstack/react-query";
import { Check, CircleHelp } from "lucide-react";
import { useState, type SyntheticEvent } from "react";
import { percent } from "@/lib/format";
import { Button, Textarea } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { matchGoal, type Match } from "./goals";
import classes from "./WordsBox.module.css";

interface WordsBoxProps {
  examples: string[];
  words: string;
  onWords: (words: string) => void;
  onMatch: (match: Match) => void;
}

/** Plain words in, the fields they fill out; what was not understood is said too. */
export function WordsBox({ examples, words, onWords, onMatch }: WordsBoxProps) {
  const [empty, setEmpty] = useState(false);
  const match = useMutation({ mutationFn: matchGoal, onSuccess: onMatch });
  const read = (text: string) => {
    setEmpty(text.trim() === "");
    if (text.trim() !== "") match.mutate(text.trim());
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    read(words);
  };

  return (
    <Panel title="What do you want to achieve?" note="Say it in your own words, or go straight to the fields below.">
      <form onSubmit={submit} className={classes.form}>
        <Textarea
          aria-label="What do you want to achieve?"
          placeholder={examples[0] ?? ""}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={4000}
          value={words}
          error={empty ? "Write a sentence first." : undefined}
          onChange={(event) => onWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) read(words);
          }}
        />
        <div className={classes.row}>
          <Button type="submit" variant="default" size="xs" loading={match.isPending}>
            Read my words
          </Button>
          {examples.length > 0 && match.data === undefined && (
            <span className={classes.examples}>
              For example{" "}
              {examples.slice(0, 3).map((example) => (
                <button
                  key={example}
                  type="button"
                  className={classes.example}
                  onClick={() => {
                    onWords(example);
                    read(example);
                  }}
                >
                  {example}
                </button>
              ))}
            </span>
          )}
        </div>
      </form>
      {match.isError && <ProblemNote error={match.error} title="Your words could not be read." />}
      {match.data !== undefined && <Understood match={match.data} />}
    </Panel>
  );
}

function Understood({ match }: { match: Match }) {
  return (
    <div className={classes.answer} role="status">
      {match.understood.length > 0 ? (
        <>
          <p className={classes.title}>
            Understood <span className={classes.sure}>({percent(match.confidence, 0)} of your words)</span>; the fields below are
            filled in
          </p>
          <ul>
            {match.understood.map((hit, index) => (
              <li key={index}>
                <Check size={15} aria-hidden className={classes.yes} />
                <span>
                  <q>{hit.phrase}</q> {hit.text}
                </span>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p className={classes.title}>Nothing in these words names a number or a rule the template knows.</p>
      )}
      {match.notUnderstood.length > 0 && (
        <>
          <p className={classes.title}>Not understood, and not used</p>
          <ul>
            {match.notUnderstood.map((phrase) => (
              <li key={phrase}>
                <CircleHelp size={15} aria-hidden className={classes.no} />
                <q>{phrase}</q>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
