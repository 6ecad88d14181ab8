import { useQuery, useQueryClient } from "@tanstack/react-query";
import { SquareTerminal } from "lucide-react";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { day, moment } from "@/lib/format";
import { Empty } from "@/ui/Empty";
import { Button, Modal, Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { endProgram, programsQuery, type Program } from "./keys";
import classes from "./keys.module.css";

/** Command lines and other programs that are signed in as this person. */
export function ProgramsPanel() {
  const programs = useQuery(programsQuery);
  const [ending, setEnding] = useState<Program | null>(null);
  const close = () => setEnding(null);
  if (programs.isPending) return <Skeleton height={160} radius="md" />;
  if (programs.isError && programs.data === undefined) {
    return <ProblemNote error={programs.error} title="Your programs could not be read." onRetry={() => void programs.refetch()} />;
  }
  return (
    <>
      <Panel
        title="Your programs"
        note="Command lines that you signed in with a code. Each may do what you may."
        flush
        actions={
          <LinkButton to="/device" variant="default" size="xs">
            Enter a code
          </LinkButton>
        }
      >
        {programs.data.length === 0 && (
          <Empty icon={<SquareTerminal size={22} />} title="No program is signed in as you">
            A command line that you start shows a code. Enter it here to let it in.
          </Empty>
        )}
        <ul className={classes.list}>
          {programs.data.map((program) => (
            <li key={program.id} className={classes.item}>
              <div>
                <span className={classes.name}>{program.client}</span>
                <div className={classes.facts}>
                  <span className={classes.small}>
                    signed in {moment(program.started)} from {program.origin}
                  </span>
                  <span className={classes.small}>last used {moment(program.used)}</span>
                  <span className={classes.small}>ends {day(program.ends)} if not used before</span>
                </div>
              </div>
              <div className={classes.buttons}>
                <Button size="xs" variant="default" aria-label={`Sign out ${program.client}`} onClick={() => setEnding(program)}>
                  Sign out
                </Button>
              </div>
            </li>
          ))}
        </ul>
      </Panel>
      <Modal opened={ending !== null} onClose={close} title="Sign the program out" closeButtonProps={{ "aria-label": "Close" }}>
        {ending !== null && <EndProgram program={ending} onDone={close} />}
      </Modal>
    </>
  );
}

function EndProgram({ program, onDone }: { program: Program; onDone: () => void }) {
  const queryClient = useQueryClient();
  const end = useAction({
    mutationFn: () => endProgram(program.id),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: programsQuery.queryKey });
      onDone();
    },
  });
  return (
    <div className={classes.form}>
      <p>
        <strong>{program.client}</strong> can do nothing in your name from this moment on. You can sign it in again with a new code.
      </p>
      {end.isError && <ProblemNote error={end.error} title="The program was not signed out." />}
      <div className={classes.buttons}>
        <Button variant="default" data-autofocus onClick={onDone}>
          Keep it
        </Button>
        <Button color="red" loading={end.isPending} onClick={() => end.mutate()}>
          Sign out
        </Button>
      </div>
    </div>
  );
}
