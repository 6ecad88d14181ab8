import type { Session } from "@/lib/session";

interface Section {
  to: "/settings" | "/settings/team" | "/settings/keys" | "/settings/company";
  title: string;
  /** Whether the section says anything to this person. */
  for: (session: Session) => boolean;
}

const inCompany = (session: Session) => session.tenant.id !== "";

/** The tabs of the settings, in their order. */
export const sections: Section[] = [
  { to: "/settings", title: "General", for: () => true },
  { to: "/settings/team", title: "Team", for: inCompany },
  { to: "/settings/keys", title: "Keys and programs", for: inCompany },
  { to: "/settings/company", title: "Company", for: inCompany },
];
