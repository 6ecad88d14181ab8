import { useQuery } from "@tanstack/react-query";
import { DataGrid } from "@/ui/DataGrid";
import { Skeleton } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag, type TagTone } from "@/ui/Tag";
import { healthQuery } from "./health";

/** Every part of the product and its state, with the reason when it is not ready. */
export function HealthPanel() {
  const health = useQuery(healthQuery);
  if (health.isPending) return <Skeleton height={260} radius="md" />;
  if (health.isError && health.data === undefined) {
    return <ProblemNote error={health.error} title="The state of the product could not be read." onRetry={() => void health.refetch()} />;
  }
  const { status, mode, version, components } = health.data;
  return (
    <Panel
      title="State of the product"
      note={`Version ${version === "" ? "unknown" : version}, mode ${mode}`}
      actions={<Tag tone={toneOf(status)}>{status}</Tag>}
      flush
    >
      <DataGrid label="Components">
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">State</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {components.map((component) => (
            <tr key={component.name}>
              <th scope="row">{component.name}</th>
              <td>
                <Tag tone={toneOf(component.state)}>{component.state}</Tag>
              </td>
              <td className="dim">{component.reason}</td>
            </tr>
          ))}
        </tbody>
      </DataGrid>
    </Panel>
  );
}

function toneOf(state: string): TagTone {
  if (state === "ready") return "good";
  return state === "degraded" ? "attention" : "quiet";
}
