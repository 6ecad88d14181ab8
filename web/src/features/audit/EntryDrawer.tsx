import { clock, moment } from "@/lib/format";
import { Facts } from "@/ui/Facts";
import { Drawer } from "@/ui/kit";
import type { Entry } from "./audit";
import { nameOf } from "./EntryTable";
import classes from "./EntryDrawer.module.css";

/** Everything that an entry says. */
export function EntryDrawer({ entry, onClose }: { entry: Entry | null; onClose: () => void }) {
  return (
    <Drawer
      opened={entry !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={entry?.title ?? ""}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {entry !== null && <Details entry={entry} />}
    </Drawer>
  );
}

function Details({ entry }: { entry: Entry }) {
  const { actor } = entry;
  // An event that arrived late stands behind later ones; that is worth a line.
  const late = Date.parse(entry.noted) - Date.parse(entry.at) > 60_000;
  return (
    <div className={classes.details}>
      <Facts
        rows={[
          { name: "When", value: `${moment(entry.at)} (${clock(entry.at)})` },
          ...(late ? [{ name: "Noted", value: moment(entry.noted) }] : []),
          { name: "Who", value: nameOf(entry) },
          ...(actor !== null && actor.via !== "" ? [{ name: "Through", value: <code className={classes.code}>{actor.via}</code> }] : []),
          ...(actor !== null && actor.origin !== "" ? [{ name: "Network", value: actor.origin }] : []),
          ...(entry.target === "" ? [] : [{ name: "To what", value: entry.target }]),
          { name: "Result", value: entry.result },
          { name: "Action", value: <code className={classes.code}>{entry.action}</code> },
          { name: "Entry", value: String(entry.slot) },
          { name: "Hash", value: <code className={classes.code}>{entry.hash}</code> },
        ]}
      />
      {entry.before !== undefined && entry.after !== undefined ? (
        <div className={classes.split}>
          <Block title="Before" value={entry.before} />
          <Block title="After" value={entry.after} />
        </div>
      ) : (
        entry.after !== undefined && <Block title="After" value={entry.after} />
      )}
      {entry.data !== undefined && <Block title="All that was noted" value={entry.data} />}
    </div>
  );
}

function Block({ title, value }: { title: string; value: unknown }) {
  return (
    <section>
      <h3 className={classes.title}>{title}</h3>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- long values scroll, and must by keyboard too */}
      <pre className={classes.block} tabIndex={0}>
        {typeof value === "string" ? value : JSON.stringify(value, null, 2)}
      </pre>
    </section>
  );
}
