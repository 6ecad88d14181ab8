import type { Session } from "@/lib/session";

interface Section {
  to: "/settings" | "/settings/plan" | "/settings/usage" | "/settings/team" | "/settings/keys" | "/settings/audit" | "/settings/company";
  title: string;
  /** Whether the section says anything to this person. */
  for: (session: Session) => boolean;
}

const inCompany = (session: Session) => session.tenant.id !== "";

/** The tabs of the settings, in their order. */
export const sections: Section[] = [
  { to: "/settings", title: "General", for: () => true },
  { to: "/settings/plan", title: "Plan", for: inCompany },
  { to: "/settings/usage", title: "Usage", for: (session) => session.access !== "none" && session.provisioning === "ready" },
  { to: "/settings/team", title: "Team", for: inCompany },
  { to: "/settings/keys", title: "Keys and programs", for: inCompany },
  { to: "/settings/audit", title: "Audit log", for: (session) => ["owner", "admin", "auditor"].includes(session.role) },
  { to: "/settings/company", title: "Company", for: inCompany },
];
