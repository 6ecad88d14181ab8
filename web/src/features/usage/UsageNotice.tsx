import { useQuery } from "@tanstack/react-query";
import { day, number } from "@/lib/format";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { levelOf, usageQuery } from "./usage";

/** A quiet word when most decisions of the month are used; nothing before that. */
export function UsageNotice() {
  const decisions = useQuery(usageQuery).data?.decisions;
  if (decisions === undefined) return null;
  const level = levelOf(decisions.used, decisions.limit);
  if (level === "fine") return null;
  return (
    <Panel
      tone="attention"
      title={
        level === "full"
          ? `All ${number(decisions.limit)} decisions of this month are used`
          : `${number(decisions.used)} of ${number(decisions.limit)} decisions are used`
      }
      note={`New ones come on ${day(decisions.periodEnd)}.`}
      actions={
        <LinkButton to="/plans" size="xs" variant="default">
          Compare plans
        </LinkButton>
      }
    >
      Everything you decided stays as it is. A larger plan has more at once.
    </Panel>
  );
}
