import type { Session } from "@/features/account/session";

interface Section {
  to: "/settings" | "/settings/team" | "/settings/company";
  title: string;
  /** Whether the section says anything to this person. */
  for: (session: Session) => boolean;
}

/** The tabs of the settings, in their order. */
export const sections: Section[] = [
  { to: "/settings", title: "General", for: () => true },
  { to: "/settings/team", title: "Team", for: (session) => session.tenant.id !== "" },
  { to: "/settings/company", title: "Company", for: (session) => session.tenant.id !== "" },
];
