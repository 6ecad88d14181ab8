import { ShieldAlert, ShieldCheck } from "lucide-react";
import type { ReactNode } from "react";
import { duration, moment, money, number, percent } from "@/lib/format";
import { Facts } from "@/ui/Facts";
import { Drawer } from "@/ui/kit";
import type { Result } from "../result";
import { stageTitle, verdict } from "../run";
import classes from "./EvidenceDrawer.module.css";

interface EvidenceDrawerProps {
  result: Result;
  opened: boolean;
  onClose: () => void;
}

/** What the engine did, what the checker found, and what anyone needs to repeat it. */
export function EvidenceDrawer({ result, opened, onClose }: EvidenceDrawerProps) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="lg"
      title="Proof and solver"
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <Checked result={result} />
      <Solver result={result} />
      <Goal result={result} />
      <Repeat result={result} />
    </Drawer>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.section}>
      <h3 className={classes.title}>{title}</h3>
      {children}
    </section>
  );
}

function Checked({ result }: { result: Result }) {
  const { check } = result;
  // Without a plan there is nothing a checker could hold against the rules.
  if (check.constraints === 0) return null;
  return (
    <Section title="Checked by a second program">
      <p className={classes.verdict} data-passed={check.passed}>
        {check.passed ? <ShieldCheck size={17} aria-hidden /> : <ShieldAlert size={17} aria-hidden />}
        {check.passed ? "Every rule holds." : "Not every rule holds."}
      </p>
      {check.failures.length > 0 && (
        <ul>
          {check.failures.map((failure) => (
            <li key={failure}>{failure}</li>
          ))}
        </ul>
      )}
      <Facts
        rows={[
          { name: "Rules checked", value: number(check.constraints), path: "/check/constraints" },
          { name: "Largest miss", value: check.maxViolation.toExponential(1), path: "/check/maxViolation" },
          { name: "Allowed", value: check.tolerance.toExponential(0), path: "/check/tolerance" },
          { name: "Cost, computed again", value: money(check.objective, result.currency), path: "/check/objective" },
        ]}
      />
    </Section>
  );
}

function Solver({ result }: { result: Result }) {
  const { solver } = result;
  const inMoney = (value: number | null) => (value === null ? "none" : money(value, result.currency));
  return (
    <Section title="Search">
      <Facts
        rows={[
          { name: "Outcome", value: verdict({ state: "done", status: result.status }, solver.gap).text, path: "/status" },
          { name: "Status", value: <code>{result.status}</code> },
          { name: "Best cost", value: inMoney(solver.objective), path: "/solver/objective" },
          { name: "No plan costs less than", value: inMoney(solver.bound), path: "/solver/bound" },
          { name: "Gap", value: solver.gap === null ? "open" : percent(solver.gap, 2), path: "/solver/gap" },
          { name: "Time", value: duration(solver.seconds * 1000), path: "/solver/seconds" },
          { name: "Branches tried", value: number(solver.nodes), path: "/solver/nodes" },
          ...(solver.stopped === "" ? [] : [{ name: "Stopped by", value: solver.stopped }]),
          { name: "Choices", value: number(solver.columns), path: "/solver/columns" },
          { name: "of these whole numbers", value: number(solver.integers), path: "/solver/integers" },
          { name: "Rules", value: number(solver.rows), path: "/solver/rows" },
          { name: "Engine", value: `${solver.engine} ${solver.engineVersion}` },
          ...(solver.detail === "" ? [] : [{ name: "Engine says", value: solver.detail }]),
        ]}
      />
    </Section>
  );
}

function Goal({ result }: { result: Result }) {
  const { goal } = result.evidence;
  if (goal === null) return null;
  const limit = (value: number | undefined, show: (value: number) => string) =>
    value === undefined || value === 0 ? "no limit" : show(value);
  const inMoney = (value: number) => money(value, result.currency);
  const at = (name: string) => `/evidence/goal/${name}`;
  return (
    <Section title="Goal">
      <Facts
        rows={[
          { name: "Horizon", value: `${number(goal.horizon)} periods`, path: at("horizon") },
          { name: "Service level", value: percent(goal.serviceLevel), path: at("serviceLevel") },
          { name: "Safety stock", value: goal.serviceRule, path: at("serviceRule") },
          { name: "Budget a period", value: limit(goal.budgetPerPeriod, inMoney), path: at("budgetPerPeriod") },
          { name: "Budget in total", value: limit(goal.budgetTotal, inMoney), path: at("budgetTotal") },
          {
            name: "Storage",
            value: limit(goal.storageCapacity, (value) => `${number(value)} storage units`),
            path: at("storageCapacity"),
          },
          { name: "Holding rate a year", value: percent(goal.holdingRate), path: at("holdingRate") },
          { name: "Shortage cost", value: `${number(goal.shortageCost, 2)} × unit cost`, path: at("shortageCost") },
          { name: "Time limit", value: `${number(goal.timeLimitSec)} s`, path: at("timeLimitSec") },
          { name: "Wanted gap", value: percent(goal.gap, 2), path: at("gap") },
        ]}
      />
    </Section>
  );
}

function Repeat({ result }: { result: Result }) {
  const { evidence } = result;
  return (
    <Section title="To repeat it">
      <Facts
        rows={[
          { name: "Items", value: number(evidence.items), path: "/evidence/items" },
          { name: "History", value: `${number(evidence.historyPeriods)} periods`, path: "/evidence/historyPeriods" },
          { name: "Started", value: moment(evidence.startedAt) },
          { name: "Finished", value: moment(evidence.finishedAt) },
          ...evidence.stages.map((stage) => ({ name: stageTitle(stage.stage), value: duration(stage.seconds * 1000) })),
          { name: "Seed", value: number(evidence.seed), path: "/evidence/seed" },
          { name: "Program", value: evidence.program },
          { name: "Data (SHA-256)", value: <code className={classes.hash}>{evidence.dataHash}</code> },
          { name: "Goal (SHA-256)", value: <code className={classes.hash}>{evidence.goalHash}</code> },
          { name: "Model (SHA-256)", value: <code className={classes.hash}>{evidence.modelHash}</code> },
        ]}
      />
    </Section>
  );
}
