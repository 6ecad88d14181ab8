import { useQuery } from "@tanstack/react-query";
import { Download, FileJson, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { Button, Skeleton } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import type { Origin } from "../origin";
import { resultQuery, type Result } from "../result";
import { hasPlan, type Run } from "../run";
import { CostPanel } from "./CostPanel";
import { DiagnosisPanel } from "./DiagnosisPanel";
import { EvidenceDrawer } from "./EvidenceDrawer";
import { Explanation } from "./Explanation";
import { ItemsPanel } from "./ItemsPanel";
import { noFilter } from "./orderList";
import { OrdersPanel } from "./OrdersPanel";
import { SpotProvider } from "./spot";
import { UsePanel } from "./UsePanel";
import classes from "./ResultView.module.css";

/** A decision, whole: what to do, why, what it costs, how it was proven; or why it cannot be done. */
export function ResultView({ run }: { run: Run }) {
  const result = useQuery(resultQuery(run.id));
  if (result.isPending) return <Skeleton height={420} radius="md" />;
  if (result.isError) {
    return <ProblemNote error={result.error} title="The result could not be read." onRetry={() => void result.refetch()} />;
  }
  return <Found run={run} result={result.data} />;
}

function Found({ run, result }: { run: Run; result: Result }) {
  const [item, setItem] = useState(() => firstItem(result));
  const [filter, setFilter] = useState(noFilter);
  const [figures, setFigures] = useState(false);
  const [evidence, setEvidence] = useState(false);

  // Opens whatever has to be open for the place to be seen.
  const onAsk = (origin: Origin) => {
    setEvidence(origin.part === "evidence");
    if (origin.part === "order") setFilter(noFilter);
    if (origin.part === "item") {
      setItem(origin.index);
      setFigures(true);
    }
  };
  const plan = hasPlan(result.status);

  return (
    <SpotProvider onAsk={onAsk}>
      <Panel tone={plan ? "accent" : "attention"}>
        <div className={classes.head}>
          <h2 className={classes.headline}>{result.headline}</h2>
          <div className={classes.actions}>
            <Button
              variant="default"
              size="xs"
              leftSection={<ShieldCheck size={15} aria-hidden />}
              onClick={() => setEvidence(true)}
            >
              Proof and solver
            </Button>
            {plan && (
              <Button
                component="a"
                href={`/v1/runs/${encodeURIComponent(run.id)}/orders.csv`}
                download
                variant="default"
                size="xs"
                leftSection={<Download size={15} aria-hidden />}
              >
                Export CSV
              </Button>
            )}
            <Button
              component="a"
              href={`/v1/runs/${encodeURIComponent(run.id)}/result.json`}
              download
              variant="default"
              size="xs"
              leftSection={<FileJson size={15} aria-hidden />}
            >
              Export JSON
            </Button>
          </div>
        </div>
        <Explanation result={result} />
      </Panel>
      {result.diagnosis !== null && <DiagnosisPanel diagnosis={result.diagnosis} goalId={run.goalId} />}
      {result.plan !== null && <CostPanel result={result} />}
      {plan && <OrdersPanel result={result} filter={filter} onFilter={setFilter} onShowItem={setItem} />}
      {result.items.length > 0 && (
        <ItemsPanel
          result={result}
          selected={item}
          onSelect={setItem}
          figuresOpen={figures}
          onFigures={setFigures}
        />
      )}
      {(result.budget.length > 0 || result.storage.length > 0) && <UsePanel result={result} />}
      <EvidenceDrawer result={result} opened={evidence} onClose={() => setEvidence(false)} />
    </SpotProvider>
  );
}

// The item to show first: the one with the largest order, or the first there is.
function firstItem(result: Result): number {
  let largest = { cost: -1, sku: "" };
  for (const order of result.orders) if (order.cost > largest.cost) largest = order;
  return Math.max(0, result.items.findIndex((item) => item.sku === largest.sku));
}
