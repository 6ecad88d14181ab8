import { useQuery } from "@tanstack/react-query";
import { Gauge } from "lucide-react";
import { sessionQuery } from "@/lib/session";
import { hasUsage } from "@/features/usage/usage";
import { UsageMeters } from "@/features/usage/UsageMeters";
import { Empty } from "@/ui/Empty";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";

/** What is used of what the plan allows. */
export function UsageSettings() {
  const session = useQuery(sessionQuery).data ?? null;
  if (session !== null && !hasUsage(session)) {
    return (
      <Panel>
        <Empty icon={<Gauge size={20} />} title="Nothing is used yet" action={<LinkButton to="/plans">Choose a plan</LinkButton>}>
          Decisions and locations are counted once your space is set up.
        </Empty>
      </Panel>
    );
  }
  return <UsageMeters days />;
}
