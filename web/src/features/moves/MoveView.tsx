import type { ReactNode } from "react";
import { bytes, duration, moment, nothing, number, plural, roughly } from "@/lib/format";
import { useNow } from "@/lib/now";
import { Facts } from "@/ui/Facts";
import { Progress } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Steps } from "@/ui/Steps";
import { EventLog } from "./EventLog";
import { MoveActions } from "./MoveActions";
import { isBusy, isForward, share, type Move } from "./moves";
import { Collections, Mismatches, Parity } from "./MoveTables";
import { failureOf, setback, stageLines, timeLeft, toneOf } from "./words";
import classes from "./MoveView.module.css";

interface MoveViewProps {
  move: Move;
  /** True while nothing is heard of the move. */
  away: boolean;
  /** Only who may change the plan sees the buttons. */
  mayAct: boolean;
}

/** A move from its first step to the proof that the old copy is gone. */
export function MoveView({ move, away, mayAct }: MoveViewProps) {
  const trouble = setback(move);
  const now = useNow(!move.over, isBusy(move) ? 250 : 15_000);
  return (
    <>
      <Panel tone={away ? "attention" : toneOf(move)}>
        <Head move={move} away={away} now={now} />
        {mayAct && move.actions.length > 0 && <MoveActions move={move} />}
      </Panel>
      {move.error !== null && trouble !== null && <ProblemNote error={failureOf(move.error)} title={trouble} />}
      <Mismatches move={move} />
      <div className={classes.split}>
        <Panel title="Stages">
          <Steps label="Stages" steps={stageLines(move, now)} />
        </Panel>
        <div className={classes.column}>
          <Pause move={move} />
          <Parity move={move} />
          <OldCopy move={move} now={now} />
        </div>
      </div>
      <Collections move={move} />
      <EventLog events={move.events} />
    </>
  );
}

function Head({ move, away, now }: { move: Move; away: boolean; now: number }) {
  const { progress } = move;
  return (
    <div className={classes.head}>
      <div className={classes.top}>
        <div className={classes.words}>
          <h2 className={classes.headline}>{away ? "No connection; trying again" : move.headline}</h2>
          <p className={classes.note}>
            {away
              ? "What is below was the state when the connection broke. The move goes on without this page."
              : started(move)}
          </p>
        </div>
        {isForward(move) && (
          <span className={classes.percent} aria-hidden>
            {share(move)}
          </span>
        )}
      </div>
      {isForward(move) && (
        <Progress
          value={progress.percent}
          size="lg"
          radius="sm"
          color="var(--accent)"
          aria-label="Progress of the move"
          transitionDuration={300}
        />
      )}
      <dl className={classes.figures}>
        <Figure name="Copied" value={number(progress.documentsCopied)} of={plural(progress.documentsTotal, "document")} />
        <Figure name="Verified" value={number(progress.documentsVerified)} of={plural(progress.documentsTotal, "document")} />
        <Figure
          name="Size"
          value={bytes(progress.bytesCopied)}
          of={sizeOf(progress)}
        />
        {!move.over && <Figure name="Behind by" value={plural(progress.lagEntries, "write")} />}
        {move.over ? <Figure name="Took" value={took(move)} /> : <Figure name="Time left" value={eta(move)} />}
      </dl>
      {/* A line is kept free for this, so that nothing moves when it comes and goes. */}
      {!move.over && <p className={classes.waiting}>{waiting(move, now)}</p>}
    </div>
  );
}

function Figure({ name, value, of }: { name: string; value: string; of?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        <span className={classes.of}>{of === undefined ? " " : `of ${of}`}</span>
      </dd>
    </div>
  );
}

// The whole size is reckoned from what is copied so far, until all of it is.
function sizeOf({ bytesCopied, bytesTotal }: Move["progress"]): string | undefined {
  if (bytesTotal === 0) return undefined;
  return bytesCopied < bytesTotal ? `about ${bytes(bytesTotal)}` : bytes(bytesTotal);
}

function eta(move: Move): string {
  if (!isBusy(move) || !isForward(move)) return nothing;
  return move.progress.etaSeconds === null ? "not known yet" : roughly(move.progress.etaSeconds);
}

function took(move: Move): string {
  const millis = Date.parse(move.endedAt) - Date.parse(move.startedAt);
  return Number.isNaN(millis) || millis < 0 ? nothing : duration(millis);
}

function started(move: Move): string {
  return `Started ${moment(move.startedAt)}${move.over && move.endedAt !== "" ? `, over ${moment(move.endedAt)}` : ""}`;
}

function waiting(move: Move, now: number): ReactNode {
  if (move.state === "switched" && move.soakUntil !== "" && move.actions.some(({ name }) => name === "roll_back")) {
    return `You can go back until ${moment(move.soakUntil)}${timeLeft(move.soakUntil, now)}.`;
  }
  if (move.state === "accepted" && Date.parse(move.deleteAt) > now) {
    return `The old copy is deleted on ${moment(move.deleteAt)}${timeLeft(move.deleteAt, now)}.`;
  }
  if (move.progress.waitingFor !== "") return `Waiting for ${move.progress.waitingFor}`;
  if (move.paused) return "It goes on where it stopped.";
  return isBusy(move) ? "You can leave this page and go on working; the move goes on." : " ";
}

function Pause({ move }: { move: Move }) {
  return (
    <Panel title="The switch" tone={move.pause === null ? "plain" : "accent"}>
      {move.pause === null ? (
        <p className={classes.words}>
          Writes wait for a moment while the new place takes over. How long is measured, and shown here.
        </p>
      ) : (
        <>
          <p className={classes.pause}>
            Writes paused for <strong>{duration(move.pause.millis)}</strong>
          </p>
          <p className={classes.note}>{measured(move.pause)}</p>
        </>
      )}
      {move.pauseBack !== null && (
        <>
          <p className={`${classes.pause} ${classes.back}`}>
            and on the way back for <strong>{duration(move.pauseBack.millis)}</strong>
          </p>
          <p className={classes.note}>{measured(move.pauseBack)}</p>
        </>
      )}
    </Panel>
  );
}

function measured({ at, attempts }: NonNullable<Move["pause"]>): string {
  return `measured ${moment(at)}, ${attempts > 1 ? `at attempt ${number(attempts)}` : "at the first attempt"}`;
}

function OldCopy({ move, now }: { move: Move; now: number }) {
  if (move.proof !== null) {
    return (
      <Panel title="The old copy is gone" tone="accent">
        <Facts
          rows={[
            { name: "Deleted", value: moment(move.proof.deletedAt) },
            { name: "Where it was", value: <code className={classes.code}>{move.proof.environment}</code> },
            { name: "You have now", value: plural(move.proof.documents, "document") },
            { name: "and in the journal", value: plural(move.proof.entries, "entry", "entries") },
            { name: "Hash of the journal", value: <code className={classes.code}>{move.proof.chain}</code> },
          ]}
        />
      </Panel>
    );
  }
  return (
    <Panel title="The old copy">
      <p className={classes.words}>{fate(move, now)}</p>
    </Panel>
  );
}

function fate(move: Move, now: number): string {
  switch (move.state) {
    case "switched":
      return "It follows every write, so that going back loses nothing.";
    case "accepted":
      return move.deleteAt === ""
        ? "It is deleted soon; the proof is shown here."
        : `It is deleted on ${moment(move.deleteAt)}${timeLeft(move.deleteAt, now)}; the proof is shown here.`;
    case "rolling_back":
      return "It takes over again.";
    case "discarding":
    case "rolled_back":
      return "It is the one in use again.";
    case "aborted":
      return "It was never left: your data stayed where it is.";
    default:
      return "It stays the one in use until the switch, and is kept until you accept the new place.";
  }
}
