import { Link, useNavigate } from "@tanstack/react-router";
import { Database, House, Inbox, ListChecks, Menu, Plus, Search, Settings } from "lucide-react";
import { lazy, Suspense, useState, type ReactNode } from "react";
import type { Session } from "@/lib/session";
import { CompanySwitcher } from "@/features/company/CompanySwitcher";
import { MoveChip } from "@/features/moves/MoveChip";
import { useOnline } from "@/lib/online";
import { useShortcutPreference, useShortcuts, type Shortcut } from "@/lib/keys";
import { ActionIcon, Drawer, Kbd, UnstyledButton, useHotkeys } from "@/ui/kit";
import { TextLink } from "@/ui/LinkButton";
import { Mark } from "@/ui/Mark";
import { KeysDialog } from "./KeysDialog";
import { ModeBadge } from "./ModeBadge";
import { SkipLink } from "./SkipLink";
import { ThemeButton } from "./ThemeButton";
import classes from "./Shell.module.css";

const Palette = lazy(() => import("./Palette").then((module) => ({ default: module.Palette })));

const places = [
  { to: "/home", title: "Home", icon: House, keys: "g h" },
  { to: "/data", title: "Data", icon: Database, keys: "g d" },
  { to: "/goal", title: "New decision", icon: Plus, keys: "n" },
  { to: "/decisions", title: "Decisions", icon: ListChecks, keys: "g l" },
] as const;

/** The frame around the work: navigation, company, palette, keys. */
export function Shell({ session, children }: { session: Session; children: ReactNode }) {
  const navigate = useNavigate();
  const [menu, setMenu] = useState(false);
  const [keys, setKeys] = useState(false);
  const [palette, setPalette] = useState<"unloaded" | "open" | "closed">("unloaded");
  const [shortcutsOn] = useShortcutPreference();
  const online = useOnline();

  const shortcuts: Shortcut[] = [
    ...places.map((place) => ({
      keys: place.keys,
      title: place.title === "New decision" ? place.title : `Go to ${place.title}`,
      run: () => void navigate({ to: place.to }),
    })),
    { keys: "g s", title: "Go to Settings", run: () => void navigate({ to: "/settings" }) },
    { keys: "?", title: "Show the keys", run: () => setKeys(true) },
  ];
  useShortcuts(shortcuts, shortcutsOn);
  useHotkeys([["mod+K", () => setPalette("open")]], []);

  const navigation = (
    <Navigation session={session} onGo={() => setMenu(false)} onSearch={() => setPalette("open")} />
  );

  return (
    <div className={classes.shell}>
      <SkipLink />
      <aside className={classes.side}>{navigation}</aside>
      <nav aria-label="Top" className={classes.top}>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Open the menu" onClick={() => setMenu(true)}>
          <Menu size={19} aria-hidden />
        </ActionIcon>
        <Link to="/home" className={classes.brand} aria-label="Dyocense">
          <Mark size={22} />
          <span className={classes.word}>Dyocense</span>
        </Link>
        <ModeBadge session={session} />
        <span className={classes.gap} />
        <MoveChip />
        <ThemeButton />
      </nav>
      <Drawer opened={menu} onClose={() => setMenu(false)} size={260} title="Menu" closeButtonProps={{ "aria-label": "Close the menu" }}>
        {navigation}
      </Drawer>
      <main id="content" tabIndex={-1} className={classes.main}>
        {session.restriction !== null && (
          <div className={classes.banner} role="status">
            {session.restriction.detail}
          </div>
        )}
        {!online && (
          <div className={classes.banner} role="status">
            There is no connection. What you see may be old, and nothing can be changed until it is back.
          </div>
        )}
        {session.access === "past_due" && (
          <div className={classes.banner} role="status">
            The last payment did not go through. Everything still works for now;{" "}
            <TextLink to="/settings" inherit underline="always">
              see the plan and billing
            </TextLink>
            .
          </div>
        )}
        {children}
      </main>
      <KeysDialog opened={keys} onClose={() => setKeys(false)} shortcuts={shortcuts} singleKeysOn={shortcutsOn} />
      {palette !== "unloaded" && (
        <Suspense fallback={null}>
          <Palette opened={palette === "open"} onClose={() => setPalette("closed")} session={session} onKeys={() => setKeys(true)} />
        </Suspense>
      )}
    </div>
  );
}

function Navigation({ session, onGo, onSearch }: { session: Session; onGo: () => void; onSearch: () => void }) {
  return (
    <div className={classes.nav}>
      <Link to="/home" className={classes.brand} onClick={onGo}>
        <Mark size={24} />
        Dyocense
        <span className={classes.gap} />
        <ModeBadge session={session} />
      </Link>
      <CompanySwitcher session={session} onGo={onGo} />
      <UnstyledButton
        className={classes.search}
        onClick={() => {
          onGo();
          onSearch();
        }}
      >
        <Search size={15} aria-hidden />
        Search
        <span className={classes.gap} />
        <Kbd size="xs">Ctrl K</Kbd>
      </UnstyledButton>
      <nav aria-label="Main">
        <ul className={classes.places}>
          {places.map(({ to, title, icon: Icon }) => (
            <li key={to}>
              <Link
                to={to}
                onClick={onGo}
                className={classes.place}
                activeProps={{ "data-active": true }}
                activeOptions={{ includeSearch: false }}
              >
                <Icon size={17} aria-hidden />
                {title}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <span className={classes.gap} />
      <MoveChip onGo={onGo} />
      <nav aria-label="Account">
        <ul className={classes.places}>
          {session.outbox && (
            <li>
              <Link to="/outbox" onClick={onGo} className={classes.place} activeProps={{ "data-active": true }}>
                <Inbox size={17} aria-hidden />
                Outbox
              </Link>
            </li>
          )}
          <li>
            <Link to="/settings" onClick={onGo} className={classes.place} activeProps={{ "data-active": true }}>
              <Settings size={17} aria-hidden />
              Settings
            </Link>
          </li>
        </ul>
      </nav>
      <div className={classes.foot}>
        <span className={classes.mail} title={session.person.email}>
          {session.person.email}
        </span>
        <ThemeButton />
      </div>
    </div>
  );
}
