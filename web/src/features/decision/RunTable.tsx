import { moment, duration } from "@/lib/format";
import { DataGrid } from "@/ui/DataGrid";
import { TextLink } from "@/ui/LinkButton";
import { Tag } from "@/ui/Tag";
import { verdict, type Run } from "./run";
import classes from "./RunTable.module.css";

/** Decisions, newest first: what came of each, in a line. */
export function RunTable({ runs, label }: { runs: Run[]; label: string }) {
  return (
    <DataGrid label={label}>
      <thead>
        <tr>
          <th scope="col">Decision</th>
          <th scope="col" className={classes.wide}>
            State
          </th>
          <th scope="col" className={classes.wide}>
            Made
          </th>
          <th scope="col" className={`num ${classes.wide}`}>
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => {
          const end = verdict(run, run.progress?.gap ?? null);
          return (
            <tr key={run.id}>
              <th scope="row" className={classes.decision}>
                <TextLink to="/decisions/$run" params={{ run: run.id }} fw={550}>
                  {run.title === "" ? "Decision" : run.title}
                </TextLink>
                {run.headline !== "" && <span className={classes.headline}>{run.headline}</span>}
                {run.headline === "" && run.error !== null && <span className={classes.headline}>{run.error.detail}</span>}
                <span className={classes.stacked}>
                  <Tag tone={end.tone}>{end.text}</Tag>
                  <span>{moment(run.createdAt)}</span>
                  <span>{took(run)}</span>
                </span>
              </th>
              <td className={classes.wide}>
                <Tag tone={end.tone}>{end.text}</Tag>
              </td>
              <td className={`keep dim ${classes.wide}`}>{moment(run.createdAt)}</td>
              <td className={`num dim ${classes.wide}`}>{took(run)}</td>
            </tr>
          );
        })}
      </tbody>
    </DataGrid>
  );
}

function took(run: Run): string {
  const millis = Date.parse(run.finishedAt) - Date.parse(run.startedAt);
  return Number.isNaN(millis) || millis < 0 ? "" : duration(millis);
}
