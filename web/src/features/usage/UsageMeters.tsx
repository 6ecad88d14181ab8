import { useQuery } from "@tanstack/react-query";
import { day, number, plural } from "@/lib/format";
import { Skeleton, VisuallyHidden } from "@/ui/kit";
import { TextLink } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { levelOf, usageQuery, type Usage } from "./usage";
import classes from "./UsageMeters.module.css";

/** What is used of what the plan allows, as meters; with `days`, day by day too. */
export function UsageMeters({ days = false }: { days?: boolean }) {
  const usage = useQuery(usageQuery);
  if (usage.isPending) return <Skeleton height={days ? 320 : 140} radius="md" />;
  if (usage.isError && usage.data === undefined) {
    return <ProblemNote error={usage.error} title="What is used could not be read." onRetry={() => void usage.refetch()} />;
  }
  return <Meters usage={usage.data} days={days} />;
}

export function Meters({ usage, days }: { usage: Usage; days: boolean }) {
  const { decisions, locations } = usage;
  return (
    <Panel
      title="Usage"
      note={`${day(decisions.periodStart)} to ${day(decisions.periodEnd)}`}
      actions={
        <TextLink to="/plans" size="sm">
          Compare plans
        </TextLink>
      }
    >
      <div className={classes.meters}>
        <Meter
          name="Decisions"
          used={decisions.used}
          limit={decisions.limit}
          note={
            decisions.limit !== 0 && decisions.used >= decisions.limit
              ? `New ones come on ${day(decisions.periodEnd)}.`
              : `At this pace ${number(decisions.forecast)} by ${day(decisions.periodEnd)}.`
          }
        />
        <Meter
          name="Locations"
          used={locations.used}
          limit={locations.limit}
          note={
            locations.limit !== 0 && locations.used > locations.limit
              ? "More than the plan allows: all stay readable, a new stock table must have fewer."
              : "In the stock table."
          }
        />
      </div>
      {days && <Days list={decisions.days} />}
    </Panel>
  );
}

function Meter({ name, used, limit, note }: { name: string; used: number; limit: number; note: string }) {
  const level = levelOf(used, limit);
  const said = limit === 0 ? `${number(used)}, no limit` : `${number(used)} of ${number(limit)}`;
  return (
    <div className={classes.meter}>
      <p className={classes.line}>
        <span>{name}</span>
        <span className={classes.figures}>{said}</span>
      </p>
      {limit !== 0 && (
        <div className={classes.track} role="meter" aria-label={name} aria-valuemin={0} aria-valuemax={limit} aria-valuenow={Math.min(used, limit)} aria-valuetext={said}>
          <span className={classes.bar} data-level={level} style={{ width: `${Math.min(100, (used / limit) * 100)}%` }} />
          <span className={classes.mark} aria-hidden />
        </div>
      )}
      <p className={classes.note}>{note}</p>
    </div>
  );
}

function Days({ list }: { list: Usage["decisions"]["days"] }) {
  const most = Math.max(1, ...list.map(({ used }) => used));
  return (
    <figure className={classes.days}>
      <figcaption className={classes.caption}>Decisions a day, at most {plural(most, "decision")}</figcaption>
      <div className={classes.bars} aria-hidden>
        {list.map(({ day: date, used }) => (
          <span key={date} className={classes.column} title={`${day(date)}: ${plural(used, "decision")}`}>
            <span className={classes.stick} style={{ height: `${(used / most) * 100}%` }} />
          </span>
        ))}
      </div>
      <p className={classes.ends} aria-hidden>
        <span>{day(list[0]?.day ?? "")}</span>
        <span>{day(list.at(-1)?.day ?? "")}</span>
      </p>
      <VisuallyHidden>
        <table>
          <caption>Decisions a day</caption>
          <tbody>
            {list.map(({ day: date, used }) => (
              <tr key={date}>
                <th scope="row">{day(date)}</th>
                <td>{number(used)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </VisuallyHidden>
    </figure>
  );
}
