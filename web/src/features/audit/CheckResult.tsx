import { number, plural } from "@/lib/format";
import { Facts } from "@/ui/Facts";
import { Panel } from "@/ui/Panel";
import type { LogCheck } from "./audit";
import classes from "./EntryDrawer.module.css";

/** What a check of the whole log found. */
export function CheckResult({ check }: { check: LogCheck }) {
  const key = check.keys[0];
  return (
    <div role="status">
      <Panel
        tone={check.ok ? "accent" : "bad"}
        title={check.ok ? "The log is as it was written" : `Entry ${number(check.slot)} is not as it was written`}
        note={
          check.ok
            ? `${plural(check.entries, "entry", "entries")} checked. A signature covers the first ${number(check.vouched)}.`
            : `${check.why}. Export the log, keep the file, and tell support.`
        }
      >
        <Facts
          rows={[
            { name: "Last hash", value: <code className={classes.code}>{check.hash}</code> },
            ...(key === undefined
              ? []
              : [{ name: "Public key", value: <code className={classes.code}>{key.public}</code> }]),
          ]}
        />
      </Panel>
    </div>
  );
}
