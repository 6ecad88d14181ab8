import { number } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import { TextLink } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { Tag } from "@/ui/Tag";
import type { Move } from "./moves";
import classes from "./MoveTables.module.css";

/** How far each collection is. */
export function Collections({ move }: { move: Move }) {
  return (
    <Panel title="What is copied" flush>
      {move.collections.length === 0 ? (
        <p className={classes.empty}>The collections are listed here once the copy begins.</p>
      ) : (
        <DataGrid label="Collections">
          <thead>
            <tr>
              <th scope="col">Collection</th>
              <th scope="col" className="num">
                Documents
              </th>
              <th scope="col" className="num">
                Copied
              </th>
              <th scope="col" className="num">
                Verified
              </th>
            </tr>
          </thead>
          <tbody>
            {move.collections.map((row) => (
              <tr key={row.name}>
                <th scope="row">
                  {row.title === "" ? row.name : row.title}
                </th>
                <td className="num">{number(row.documents)}</td>
                <td className={`num ${row.copied < row.documents ? "dim" : ""}`}>{number(row.copied)}</td>
                <td className={`num ${row.documents === 0 || row.verified < row.documents ? "dim" : classes.whole}`}>{number(row.verified)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">Together</th>
              <td className="num">{number(move.progress.documentsTotal)}</td>
              <td className="num">{number(move.progress.documentsCopied)}</td>
              <td className="num">{number(move.progress.documentsVerified)}</td>
            </tr>
          </tfoot>
        </DataGrid>
      )}
    </Panel>
  );
}

/** Decisions made on both sides from the same goal, and whether they came out the same. */
export function Parity({ move }: { move: Move }) {
  const same = move.parity.filter((row) => row.same).length;
  return (
    <Panel
      title="Same decisions on both sides"
      tone={same < move.parity.length ? "bad" : "plain"}
      note={move.parity.length === 0 ? undefined : `${number(same)} of ${number(move.parity.length)} came out the same`}
      flush
    >
      {move.parity.length === 0 ? (
        <p className={classes.empty}>
          Before the switch, decisions you made are made again on the copy, and must come out the same.
        </p>
      ) : (
        <ul className={classes.list}>
          {move.parity.map((row) => (
            <li key={row.run} className={classes.pair}>
              <span className={classes.words}>
                <TextLink to="/decisions/$run" params={{ run: row.run }} inherit>
                  {row.title === "" ? "Decision" : row.title}
                </TextLink>
                <span className={classes.small}>{row.same ? row.after : `before: ${row.before}; on the copy: ${row.after}`}</span>
              </span>
              <Tag tone={row.same ? "good" : "bad"}>{row.same ? "same" : "different"}</Tag>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

/** Rows that are not the same on both sides, by field. */
export function Mismatches({ move }: { move: Move }) {
  if (move.mismatches.length === 0) return null;
  return (
    <Panel
      title="Not the same on both sides"
      note="The copy is not used while a single field differs. Your data where it is now is untouched."
      tone="bad"
      flush
    >
      <DataGrid label="Differences" maxHeight="24rem">
        <thead>
          <tr>
            <th scope="col">Row and field</th>
            <th scope="col">Where it is now</th>
            <th scope="col">On the copy</th>
          </tr>
        </thead>
        <tbody>
          {move.mismatches.map((row) => (
            <tr key={`${row.collection} ${row.id} ${row.field}`}>
              <th scope="row" className={classes.value}>
                <code className={classes.code}>{row.id}</code>
                <span className={classes.small}>
                  {row.collection}, field <code className={classes.code}>{row.field}</code>
                </span>
              </th>
              <td className={classes.value}>{row.source === "" ? <i className="dim">nothing</i> : row.source}</td>
              <td className={classes.value}>{row.target === "" ? <i className="dim">nothing</i> : row.target}</td>
            </tr>
          ))}
        </tbody>
      </DataGrid>
    </Panel>
  );
}
