import { useQueryClient } from "@tanstack/react-query";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useRef, useState, type SyntheticEvent } from "react";
import { Controller, useForm } from "react-hook-form";
import type { Goal } from "@/lib/api/goal";
import { useAction } from "@/lib/api/useAction";
import { plural } from "@/lib/format";
import { Button, Collapse, Radio, Stack, TextInput, UnstyledButton, useDisclosure } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { GoalFields } from "./GoalFields";
import { fromForm, titleOf, toForm, type GoalForm } from "./goalForm";
import { matchGoal, saveGoal, type Match, type SavedGoal, type Template } from "./goals";
import { isUnread, keptWords, readingOf, startReading, type Reading } from "./reading";
import { runQuery, startRun, type Run } from "./run";
import { WordsBox } from "./WordsBox";
import classes from "./GoalEditor.module.css";

interface GoalEditorProps {
  template: Template;
  /** What the form starts from. */
  start: { goal: Goal; title: string; text: string };
  onStarted: (run: Run) => void;
}

// What was read on the way to a decision must be seen before the next press counts:
// the second half of a double click is no consent. In milliseconds.
const timeToSee = 700;

/** Words and fields of a goal, and the button that makes the decision. */
export function GoalEditor({ template, start, onStarted }: GoalEditorProps) {
  const [base, setBase] = useState(start.goal);
  const [words, setWords] = useState(start.text);
  const [advanced, advancedToggle] = useDisclosure(false);
  const form = useForm({ defaultValues: toForm(start.goal, start.title) });
  const { dirtyFields } = form.formState;
  const run = useStart(template.id, onStarted);
  const [reading, setReading] = useState<Reading>(() => startReading(start.text, start.goal));
  const [stopped, setStopped] = useState(false);
  const stoppedAt = useRef(0);
  const rule = template.fields.find((field) => field.name === "serviceRule");

  const edited = (Object.keys(dirtyFields) as (keyof GoalForm)[]).filter((name) => dirtyFields[name] === true);
  const unread = isUnread(reading, words);
  // The words go with the decision only while the numbers are the ones read from them.
  const kept = keptWords(reading, words, edited, base);

  const take = (match: Match, of: string) => {
    const next = readingOf(of, match);
    const before = form.getValues();
    setBase(match.goal);
    setReading(next);
    form.reset(toForm(match.goal, before.title));
    // What was entered by hand stays, unless the words speak of it.
    for (const name of edited) {
      if (name !== "title" && next.fields?.includes(name) !== true) form.setValue(name, before[name], { shouldDirty: true });
    }
  };
  const match = useAction({ mutationFn: matchGoal, onSuccess: take });
  const read = (text: string) => {
    if (match.isPending) return;
    setStopped(false);
    match.mutate(text.trim());
  };
  const readFirst = () => {
    if (match.isPending) return;
    setStopped(true);
    stoppedAt.current = Date.now();
    match.mutate(words.trim(), { onSettled: () => (stoppedAt.current = Date.now()) });
  };
  const decide = form.handleSubmit(
    (entries) => {
      setStopped(false);
      const goal = fromForm(entries, base);
      run.start({ goal, title: entries.title.trim() === "" ? titleOf(goal) : entries.title.trim(), text: kept });
    },
    // A mistake in a folded section would be invisible.
    () => advancedToggle.open(),
  );
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (unread) readFirst();
    else if (Date.now() - stoppedAt.current > timeToSee) void decide(event);
  };

  return (
    <>
      <WordsBox
        examples={template.examples}
        words={words}
        onWords={setWords}
        onRead={read}
        reading={match.isPending}
        error={match.error}
        match={match.data}
        outdated={unread}
        overruled={!unread && words.trim() !== "" && kept === ""}
      />
      <form noValidate onSubmit={submit} className={classes.form} aria-label="Goal">
        <Panel title={template.name} note={template.description}>
          <GoalFields fields={template.fields} place="main" control={form.control} />
          <div className={classes.rule}>
            <Controller
              name="serviceRule"
              control={form.control}
              render={({ field }) => (
                <Radio.Group label={rule?.title ?? "When not everything fits"} description={rule?.help} {...field}>
                  <Stack gap={6} mt={6}>
                    <Radio value="required" label="Keep the safety stock. If that cannot be, say so and tell me what to change." />
                    <Radio value="preferred" label="Give me the best plan anyway, and show what will run short." />
                  </Stack>
                </Radio.Group>
              )}
            />
          </div>
          {base.skus != null && base.skus.length > 0 && (
            <p className={classes.only}>
              Only {plural(base.skus.length, "item")}: {base.skus.slice(0, 5).join(", ")}
              {base.skus.length > 5 && " and others"}.{" "}
              <Button
                variant="subtle"
                size="compact-xs"
                onClick={() => setBase({ ...base, skus: [] })}
              >
                Use all items
              </Button>
            </p>
          )}
          <UnstyledButton
            className={classes.more}
            onClick={advancedToggle.toggle}
            aria-expanded={advanced}
            aria-controls="advanced"
          >
            {advanced ? <ChevronDown size={16} aria-hidden /> : <ChevronRight size={16} aria-hidden />}
            Advanced
          </UnstyledButton>
          <Collapse expanded={advanced} id="advanced">
            <div className={classes.advanced}>
              <GoalFields fields={template.fields} place="advanced" control={form.control} />
            </div>
          </Collapse>
        </Panel>
        <Panel>
          <div className={classes.last}>
            <TextInput
              className={classes.name}
              label="Name of this decision"
              placeholder="made from the goal when empty"
              maxLength={120}
              {...form.register("title")}
            />
            <Button type="submit" size="md" loading={run.isPending || (stopped && match.isPending)}>
              Make the decision
            </Button>
          </div>
          {stopped && match.isSuccess && !unread && (
            <p className={classes.stopped} role="status">
              We read your words first; check the fields and press again. Nothing was started yet.
            </p>
          )}
          {stopped && match.isError && (
            <div className={classes.problem}>
              <ProblemNote
                error={match.error}
                title="Your words could not be read, so nothing was started. To decide by the fields alone, empty the words."
              />
            </div>
          )}
          {run.isError && (
            <div className={classes.problem}>
              <ProblemNote error={run.error} title="The decision was not started." />
            </div>
          )}
        </Panel>
      </form>
    </>
  );
}

interface Wanted {
  goal: Goal;
  title: string;
  text: string;
}

// Saves the goal, then starts its run. Pressing while that is under way does
// nothing; pressing again after a failure uses the goal already saved and the same
// key. Either way one decision is started once.
function useStart(template: string, onStarted: (run: Run) => void) {
  const queryClient = useQueryClient();
  const before = useRef<{ of: string; saved: SavedGoal | null; key: string } | null>(null);
  const busy = useRef(false);
  const run = useAction({
    mutationFn: async (wanted: Wanted) => {
      const of = JSON.stringify(wanted);
      const attempt = before.current?.of === of ? before.current : { of, saved: null, key: freshKey() };
      before.current = attempt;
      attempt.saved ??= await saveGoal({ ...wanted, template });
      return startRun(attempt.saved.id, attempt.key);
    },
    onSuccess: (run) => {
      before.current = null;
      queryClient.setQueryData(runQuery(run.id).queryKey, run);
      void queryClient.invalidateQueries({ queryKey: ["runs"], exact: true });
      onStarted(run);
    },
    onSettled: () => {
      busy.current = false;
    },
  });
  // Set at the press itself: the state of the mutation is known only a moment later.
  const start = (wanted: Wanted) => {
    if (busy.current) return;
    busy.current = true;
    run.mutate(wanted);
  };
  return { start, isPending: run.isPending, isError: run.isError, error: run.error };
}

// Not randomUUID: that one exists on https and loopback only.
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
