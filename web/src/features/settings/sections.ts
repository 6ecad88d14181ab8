import type { Session } from "@/features/account/session";

interface Section {
  to: "/settings" | "/settings/usage" | "/settings/audit";
  title: string;
  /** Whether the section says anything to this person. */
  for: (session: Session) => boolean;
}

/** The tabs of the settings, in their order. */
export const sections: Section[] = [
  { to: "/settings", title: "General", for: () => true },
  { to: "/settings/usage", title: "Usage", for: (session) => session.access !== "none" && session.provisioning === "ready" },
  { to: "/settings/audit", title: "Audit log", for: (session) => ["owner", "admin", "auditor"].includes(session.role) },
];
