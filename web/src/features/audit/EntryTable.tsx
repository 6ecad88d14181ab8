import { clock, moment } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import { UnstyledButton } from "@/ui/kit";
import { Tag } from "@/ui/Tag";
import type { Entry } from "./audit";
import classes from "./EntryTable.module.css";

/** Who an entry names, in words. */
export function nameOf(entry: Entry): string {
  if (entry.actor === null) return "The product";
  return entry.actor.staff === "" ? entry.actor.email : `${entry.actor.staff} for ${entry.actor.email}`;
}

/** Entries, the latest first. */
export function EntryTable({ entries, onOpen }: { entries: Entry[]; onOpen: (entry: Entry) => void }) {
  return (
    <DataGrid label="Audit log">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col" className={classes.wide}>
            Who
          </th>
          <th scope="col" className={classes.wide}>
            To what
          </th>
          <th scope="col" className={classes.wide}>
            When
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.event}>
            <th scope="row">
              <span className={classes.what}>
                <UnstyledButton className={classes.open} onClick={() => onOpen(entry)} aria-haspopup="dialog">
                  {entry.title}
                </UnstyledButton>
                {entry.result !== "done" && <Tag tone="bad">{entry.result}</Tag>}
              </span>
              <span className={classes.stacked}>
                {nameOf(entry)}
                {entry.target !== "" && ` · ${entry.target}`} · {moment(entry.at)}
              </span>
            </th>
            <td className={classes.wide}>{nameOf(entry)}</td>
            <td className={classes.wide}>{entry.target}</td>
            <td className={`keep dim ${classes.wide}`}>
              <time dateTime={entry.at} title={clock(entry.at)}>
                {moment(entry.at)}
              </time>
            </td>
          </tr>
        ))}
      </tbody>
    </DataGrid>
  );
}
