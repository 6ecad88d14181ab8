import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { SignOutButton } from "@/features/account/SignOutButton";
import { sessionQuery } from "@/lib/session";
import { sections } from "@/features/settings/sections";
import { Page } from "@/ui/Page";
import classes from "./settings.module.css";

/** The frame of all settings: one tab a section. */
export function SettingsFrame() {
  const session = useQuery(sessionQuery).data ?? null;
  const shown = session === null ? [] : sections.filter((section) => section.for(session));
  return (
    <Page title="Settings" actions={<SignOutButton variant="default" />}>
      {shown.length > 1 && (
        <nav aria-label="Settings" className={classes.tabs}>
          {shown.map(({ to, title }) => (
            <Link
              key={to}
              to={to}
              className={classes.tab}
              activeOptions={{ exact: true, includeSearch: false }}
              activeProps={{ "data-active": true }}
            >
              {title}
            </Link>
          ))}
        </nav>
      )}
      <Outlet />
    </Page>
  );
}
