import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "@/lib/session";
import { InvitationsPanel } from "@/features/team/InvitationsPanel";
import { MembersPanel } from "@/features/team/MembersPanel";
import { RolesPanel } from "@/features/team/RolesPanel";

/** Who works in the company and who is asked to. */
export function TeamSettings() {
  const session = useQuery(sessionQuery).data ?? null;
  if (session === null) return null;
  return (
    <>
      <MembersPanel />
      <InvitationsPanel session={session} />
      <RolesPanel role={session.role} />
    </>
  );
}
