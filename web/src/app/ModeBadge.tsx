import type { Session } from "@/lib/session";
import { Tooltip } from "@/ui/kit";
import { Tag } from "@/ui/Tag";

/** Says that payments are a rehearsal, so that nobody mistakes it for the real thing. */
export function ModeBadge({ session }: { session: Session }) {
  if (!session.sandbox) return null;
  return (
    <Tooltip label="Payments and mail stay inside this product. No money moves.">
      <span>
        <Tag tone="attention">Sandbox</Tag>
      </span>
    </Tooltip>
  );
}
