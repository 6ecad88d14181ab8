import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useRef, useState } from "react";
import { Controller, useForm } from "react-hook-form";
import type { Goal } from "@/lib/api/goal";
import { plural } from "@/lib/format";
import { Button, Collapse, Radio, Stack, TextInput, UnstyledButton, useDisclosure } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { GoalFields } from "./GoalFields";
import { fromForm, titleOf, toForm } from "./goalForm";
import { saveGoal, type Match, type SavedGoal, type Template } from "./goals";
import { runQuery, startRun, type Run } from "./run";
import { WordsBox } from "./WordsBox";
import classes from "./GoalEditor.module.css";

interface GoalEditorProps {
  template: Template;
  /** What the form starts from. */
  start: { goal: Goal; title: string; text: string };
  onStarted: (run: Run) => void;
}

/** Words and fields of a goal, and the button that makes the decision. */
export function GoalEditor({ template, start, onStarted }: GoalEditorProps) {
  const [base, setBase] = useState(start.goal);
  const [words, setWords] = useState(start.text);
  const [advanced, advancedToggle] = useDisclosure(false);
  const form = useForm({ defaultValues: toForm(start.goal, start.title) });
  const run = useStart(template.id, onStarted);
  const rule = template.fields.find((field) => field.name === "serviceRule");

  const take = (match: Match) => {
    setBase(match.goal);
    form.reset(toForm(match.goal, form.getValues("title")));
  };
  const submit = form.handleSubmit(
    (entries) => {
      const goal = fromForm(entries, base);
      run.mutate({ goal, title: entries.title.trim() === "" ? titleOf(goal) : entries.title.trim(), text: words.trim() });
    },
    // A mistake in a folded section would be invisible.
    () => advancedToggle.open(),
  );

  return (
    <>
      <WordsBox examples={template.examples} words={words} onWords={setWords} onMatch={take} />
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
            <Button type="submit" size="md" loading={run.isPending}>
              Make the decision
            </Button>
          </div>
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

// Saves the goal, then starts its run. Pressing again after a failure uses the
// goal already saved and the same key, so that one press makes one run.
function useStart(template: string, onStarted: (run: Run) => void) {
  const queryClient = useQueryClient();
  const before = useRef<{ of: string; saved: SavedGoal; key: string } | null>(null);
  return useMutation({
    mutationFn: async (wanted: Wanted) => {
      const of = JSON.stringify(wanted);
      if (before.current?.of !== of) {
        before.current = { of, saved: await saveGoal({ ...wanted, template }), key: freshKey() };
      }
      return startRun(before.current.saved.id, before.current.key);
    },
    onSuccess: (run) => {
      before.current = null;
      queryClient.setQueryData(runQuery(run.id).queryKey, run);
      void queryClient.invalidateQueries({ queryKey: ["runs"], exact: true });
      onStarted(run);
    },
  });
}

// Not randomUUID: that one exists on https and loopback only.
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
