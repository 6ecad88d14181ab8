import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { SignOutButton } from "@/features/account/SignOutButton";
import type { Session } from "@/lib/session";
import { Mark } from "@/ui/Mark";
import { ModeBadge } from "./ModeBadge";
import { SkipLink } from "./SkipLink";
import { ThemeButton } from "./ThemeButton";
import classes from "./Bare.module.css";

/** A bar and the page: for people who are not at work yet. */
export function Bare({ session, children }: { session: Session | null; children: ReactNode }) {
  return (
    <>
      <SkipLink />
      <header className={classes.bar}>
        <Link to="/" className={classes.brand}>
          <Mark size={24} />
          Dyocense
        </Link>
        {session !== null && <ModeBadge session={session} />}
        <span className={classes.gap} />
        {session !== null && (
          <Link to="/settings/company" className={classes.who}>
            {session.tenant.name}
          </Link>
        )}
        <ThemeButton />
        {session !== null && <SignOutButton />}
      </header>
      <main id="content" tabIndex={-1} className={classes.main}>
        {children}
      </main>
    </>
  );
}
