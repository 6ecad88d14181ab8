import { money, number, percent } from "@/lib/format";
import { Panel } from "@/ui/Panel";
import { periodLabel, type Result, type Use } from "../result";
import classes from "./UsePanel.module.css";

/** How much of each limit the plan uses, period by period. */
export function UsePanel({ result }: { result: Result }) {
  return (
    <div className={classes.pair}>
      {result.budget.length > 0 && (
        <Panel title="Budget used" note={result.currency === "" ? undefined : `Per period, in ${result.currency}`}>
          <Lines result={result} uses={result.budget} pointer="budget" show={(value) => money(value, result.currency)} />
        </Panel>
      )}
      {result.storage.length > 0 && (
        <Panel title="Storage used" note="At the end of each period, in storage units">
          <Lines result={result} uses={result.storage} pointer="storage" show={(value) => number(value, 1)} />
        </Panel>
      )}
    </div>
  );
}

interface LinesProps {
  result: Result;
  uses: Use[];
  pointer: "budget" | "storage";
  show: (value: number) => string;
}

function Lines({ result, uses, pointer, show }: LinesProps) {
  return (
    <ul className={classes.lines}>
      {uses.map((use, index) => {
        const share = use.limit > 0 ? use.used / use.limit : 0;
        return (
          <li key={use.period} className={classes.line} data-path={`/${pointer}/${index}`}>
            <span className={classes.period}>{periodLabel(result, use.period)}</span>
            <span className={classes.track} aria-hidden>
              <span className={classes.fill} data-full={share > 0.98} style={{ width: `${Math.min(1, share) * 100}%` }} />
            </span>
            <span className={classes.figures}>
              <span data-path={`/${pointer}/${index}/used`}>{show(use.used)}</span> of{" "}
              <span data-path={`/${pointer}/${index}/limit`}>{show(use.limit)}</span>
              <span className={classes.share}>{percent(share, 0)}</span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
