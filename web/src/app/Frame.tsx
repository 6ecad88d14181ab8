import { useQuery } from "@tanstack/react-query";
import { Outlet, useLocation } from "@tanstack/react-router";
import { sessionQuery } from "@/lib/session";
import { Bare } from "./Bare";
import { Shell } from "./Shell";

/** The whole shell for a company at work; a bare bar on the way there. */
export function Frame() {
  const session = useQuery(sessionQuery).data ?? null;
  // The welcome page keeps its bare bar when the environment becomes ready, so
  // that nothing moves under the reader.
  const welcome = useLocation({ select: (location) => location.pathname === "/welcome" });
  const atWork =
    !welcome &&
    session !== null &&
    (session.access === "active" || session.access === "past_due") &&
    session.provisioning === "ready";
  return atWork ? (
    <Shell session={session}>
      <Outlet />
    </Shell>
  ) : (
    <Bare session={session}>
      <Outlet />
    </Bare>
  );
}
