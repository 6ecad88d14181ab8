import { useQueryClient } from "@tanstack/react-query";
import { ArrowRightLeft, Check, CircleStop, Pause, Play, RotateCcw, RotateCw, Trash2, type LucideIcon } from "lucide-react";
import { useState } from "react";
import { asProblem } from "@/lib/api/problem";
import { useAction } from "@/lib/api/useAction";
import { Button, Group, Modal } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import { act, keep, moveQuery, type Action, type Move } from "./moves";
import classes from "./MoveActions.module.css";

const icons: Record<Action["name"], LucideIcon> = {
  pause: Pause,
  resume: Play,
  switch: ArrowRightLeft,
  abort: CircleStop,
  roll_back: RotateCcw,
  accept: Check,
  retry: RotateCw,
  clean: Trash2,
};

// What goes on is offered first, what gives something up is red.
const forward: Action["name"][] = ["switch", "accept", "resume", "retry"];
const destructive: Action["name"][] = ["abort", "roll_back", "clean"];

/** What can be done with the move now: the product says, and asks first where it should. */
export function MoveActions({ move }: { move: Move }) {
  const queryClient = useQueryClient();
  const [asked, setAsked] = useState<Action["name"] | null>(null);
  const perform = useAction({
    mutationFn: (action: Action["name"]) => act(move.id, action),
    onSuccess: (news) => {
      keep(queryClient, news);
      setAsked(null);
    },
    onError: (error) => {
      // It is not offered any more: show what is.
      if (asProblem(error).status !== 409) return;
      setAsked(null);
      void queryClient.invalidateQueries({ queryKey: moveQuery.queryKey });
    },
  });
  // A question whose action is gone is no question any more.
  const question = move.actions.find((action) => action.name === asked);

  return (
    <div className={classes.actions}>
      <Group gap="xs">
        {move.actions.map((action) => {
          const Icon = icons[action.name];
          return (
            <Button
              key={action.name}
              size="xs"
              variant={forward.includes(action.name) ? "filled" : destructive.includes(action.name) ? "outline" : "default"}
              color={destructive.includes(action.name) ? "red" : undefined}
              className={destructive.includes(action.name) ? classes.destructive : undefined}
              leftSection={<Icon size={15} aria-hidden />}
              disabled={perform.isPending && perform.variables !== action.name}
              loading={perform.isPending && perform.variables === action.name && question === undefined}
              onClick={() => {
                perform.reset();
                if (action.confirm === "") perform.mutate(action.name);
                else setAsked(action.name);
              }}
            >
              {action.title}
            </Button>
          );
        })}
      </Group>
      {perform.isError && question === undefined && <ProblemNote error={perform.error} title="That was not done." />}
      <Modal
        opened={question !== undefined}
        // What is on its way cannot be called back: the question stays until the answer.
        onClose={() => (perform.isPending ? undefined : setAsked(null))}
        title={question === undefined ? "" : `${question.title}?`}
        closeButtonProps={{ "aria-label": "Close" }}
      >
        {question !== undefined && (
          <>
            <p className={classes.question}>{question.confirm}</p>
            {perform.isError && <ProblemNote error={perform.error} title="That was not done." />}
            <Group justify="flex-end" mt="md">
              <Button variant="default" disabled={perform.isPending} onClick={() => setAsked(null)} data-autofocus>
                Not now
              </Button>
              <Button
                color={destructive.includes(question.name) ? "red" : undefined}
                loading={perform.isPending}
                onClick={() => perform.mutate(question.name)}
              >
                {question.title}
              </Button>
            </Group>
          </>
        )}
      </Modal>
    </div>
  );
}
