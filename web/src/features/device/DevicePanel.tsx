import { useState, type SyntheticEvent } from "react";
import { useAction } from "@/lib/api/useAction";
import { moment } from "@/lib/format";
import { Facts } from "@/ui/Facts";
import { Button, TextInput } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { answerWish, findWish, type Wish } from "./device";
import classes from "./DevicePanel.module.css";

interface DevicePanelProps {
  /** The code that came with the link; it still has to be confirmed. */
  code: string;
  person: string;
  company: string;
}

/** Lets a program in that shows a code, or not. */
export function DevicePanel({ code: given, person, company }: DevicePanelProps) {
  const [code, setCode] = useState(given);
  const find = useAction({ mutationFn: findWish });
  const answer = useAction({ mutationFn: (allow: boolean) => answerWish(code, allow) });

  if (answer.isSuccess) {
    return (
      <Panel title={answer.variables ? "The program is signed in" : "The program was refused"}>
        <div className={classes.form} role="status">
          <p>
            {answer.variables
              ? "It goes on by itself; you can close this page. Sign it out under Settings at any time."
              : "It gets nothing. If you did not start it, somebody else did: you need to do no more."}
          </p>
          <div className={classes.buttons}>
            <LinkButton to="/settings/keys" variant="default">
              See your programs
            </LinkButton>
          </div>
        </div>
      </Panel>
    );
  }
  if (find.isSuccess) {
    return <Question wish={find.data} person={person} company={company} code={code} answer={answer} />;
  }
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (code.trim() !== "") find.mutate(code.trim());
  };
  return (
    <Panel title="Enter the code">
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          label="Code that the program shows"
          description="Eight letters. Enter it only if you have just started the program yourself."
          placeholder="BCDF-GHJK"
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          maxLength={16}
          classNames={{ input: classes.code }}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value.toUpperCase())}
        />
        {find.isError && <ProblemNote error={find.error} title="There is no program to let in." />}
        <div className={classes.buttons}>
          <Button type="submit" loading={find.isPending}>
            Go on
          </Button>
        </div>
      </form>
    </Panel>
  );
}

interface QuestionProps {
  wish: Wish;
  person: string;
  company: string;
  code: string;
  answer: { mutate: (allow: boolean) => void; isPending: boolean; isError: boolean; error: unknown; variables: boolean | undefined };
}

function Question({ wish, person, company, code, answer }: QuestionProps) {
  return (
    <Panel title="Let this program ask in your name?" tone="attention">
      <div className={classes.form}>
        <Facts
          rows={[
            { name: "Code", value: <code className={classes.code}>{code}</code> },
            { name: "Calls itself", value: wish.client },
            { name: "Asks from", value: wish.origin },
            { name: "Since", value: moment(wish.asked) },
            { name: "As", value: `${person}, ${company}` },
          ]}
        />
        <p className={classes.note}>
          It may then do what you may, for as long as it is used. Say yes only if you started it, and the code on its screen is this one. A
          program can call itself anything.
        </p>
        {answer.isError && <ProblemNote error={answer.error} title="Your answer did not arrive." />}
        <div className={classes.buttons}>
          <Button variant="default" loading={answer.isPending && answer.variables === false} onClick={() => answer.mutate(false)}>
            No, refuse it
          </Button>
          <Button loading={answer.isPending && answer.variables === true} onClick={() => answer.mutate(true)}>
            Yes, let it in
          </Button>
        </div>
      </div>
    </Panel>
  );
}
