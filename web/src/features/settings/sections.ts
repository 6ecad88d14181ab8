import type { Session } from "@/features/account/session";

interface Section {
  to: "/settings" | "/settings/plan";
  title: string;
  /** Whether the section says anything to this person. */
  for: (session: Session) => boolean;
}

/** The tabs of the settings, in their order. */
export const sections: Section[] = [
  { to: "/settings", title: "General", for: () => true },
  { to: "/settings/plan", title: "Plan & usage", for: (session) => session.tenant.id !== "" },
];
