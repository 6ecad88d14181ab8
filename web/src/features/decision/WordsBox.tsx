import { Check, CircleHelp } from "lucide-react";
import { useState, type SyntheticEvent } from "react";
import { percent } from "@/lib/format";
import { Button, Textarea } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import type { Match } from "./goals";
import classes from "./WordsBox.module.css";

interface WordsBoxProps {
  examples: string[];
  words: string;
  onWords: (words: string) => void;
  onRead: (words: string) => void;
  /** True while the words are being read. */
  reading: boolean;
  error: Error | null;
  /** What was understood at the last reading. */
  match: Match | undefined;
  /** True when the words are others than those last read. */
  outdated: boolean;
  /** True when fields the words speak of were changed by hand after the reading. */
  overruled: boolean;
}

/** Plain words in, the fields they fill out; what was not understood is said too. */
export function WordsBox({ examples, words, onWords, onRead, reading, error, match, outdated, overruled }: WordsBoxProps) {
  const [empty, setEmpty] = useState(false);
  const read = (text: string) => {
    setEmpty(text.trim() === "");
    if (text.trim() !== "") onRead(text);
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
          <Button type="submit" variant="default" size="xs" loading={reading}>
            Read my words
          </Button>
          {examples.length > 0 && match === undefined && !reading && (
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
      {error !== null && <ProblemNote error={error} title="Your words could not be read." />}
      {outdated && match !== undefined && !reading && (
        <p className={classes.outdated} role="status">
          You changed the words since they were read. They are read again before anything is decided.
        </p>
      )}
      {overruled && (
        <p className={classes.outdated} role="status">
          You changed fields after the words were read. The fields count; these words are not kept with the decision.
        </p>
      )}
      {match !== undefined && words.trim() !== "" && <Understood match={match} outdated={outdated} />}
    </Panel>
  );
}

function Understood({ match, outdated }: { match: Match; outdated: boolean }) {
  return (
    <div className={classes.answer} data-outdated={outdated} role="status">
      {match.understood.length > 0 ? (
        <>
          <p className={classes.title}>
            {outdated ? "Understood before" : "Understood"}{" "}
            <span className={classes.sure}>({percent(match.confidence, 0)} of your words)</span>
            {!outdated && "; the fields below are filled in"}
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
