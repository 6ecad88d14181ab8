import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "@/features/account/session";
import { InvitationsPanel } from "@/features/account/InvitationsPanel";
import { MembersPanel } from "@/features/account/MembersPanel";
import { RolesPanel } from "@/features/account/RolesPanel";

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
