import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import * as z from "zod/mini";
import { filterShape } from "@/features/audit/audit";
import { planNames } from "@/features/moves/plans";
import { kinds } from "@/features/tables/tables";
import { fetched } from "@/lib/api/pageParts";
import { detour, sessionQuery, type Area, type Session } from "@/lib/session";
import { Crash } from "./Crash";
import { Frame } from "./Frame";
import { NotFound } from "./NotFound";
import { Pending } from "./Pending";

interface RouterContext {
  queryClient: QueryClient;
}

// The session as last heard of, asked for once.
function knownSession(queryClient: QueryClient): Promise<Session | null> {
  return queryClient.query({ ...sessionQuery, staleTime: "static" });
}

// Lets a visitor in, or sends them where they have to go first.
function guard(area: Area) {
  return async ({ context, location }: { context: RouterContext; location: { href: string; pathname: string } }) => {
    let session = await knownSession(context.queryClient);
    let to = detour(session, area);
    if (to !== null && session !== null && area !== "visitor") {
      // What is known may be old, and things move fast here: ask before turning anybody away.
      session = await context.queryClient.query({ ...sessionQuery, staleTime: 0 });
      to = detour(session, area);
    }
    if (to === null || to === location.pathname) return;
    throw redirect({ to, search: to === "/signin" && location.href !== "/" ? { back: location.href } : {}, replace: true });
  };
}

const rootRoute = createRootRouteWithContext<RouterContext>()({
  notFoundComponent: NotFound,
  errorComponent: Crash,
});

// Pages with the frame around them; the frame shows what the session allows.
const frameRoute = createRoute({ getParentRoute: () => rootRoute, id: "frame", component: Frame });

const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: async ({ context }) => {
    const session = await knownSession(context.queryClient);
    throw redirect({ to: detour(session, "visitor") ?? "/signin", replace: true });
  },
});

const signUpRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/signup",
  beforeLoad: guard("visitor"),
  component: lazyRouteComponent(fetched(() => import("@/routes/signup")), "SignUpPage"),
});

const verifyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/verify",
  component: lazyRouteComponent(fetched(() => import("@/routes/verify")), "VerifyPage"),
});

const joinRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/join",
  component: lazyRouteComponent(fetched(() => import("@/routes/join")), "JoinPage"),
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/signin",
  validateSearch: z.object({ back: z.optional(z.catch(z.string(), "/")) }),
  beforeLoad: guard("visitor"),
  component: lazyRouteComponent(fetched(() => import("@/routes/signin")), "SignInPage"),
});

const plansRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/plans",
  beforeLoad: guard("account"),
  component: lazyRouteComponent(fetched(() => import("@/routes/plans")), "PlansPage"),
});

const upgradeRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/upgrade",
  validateSearch: z.object({
    /** What to change to; without it the current move is shown. */
    plan: z.optional(z.catch(z.optional(z.enum(planNames)), undefined)),
  }),
  // A company on the move may have an environment that is being made: it is let in.
  beforeLoad: guard("setup"),
  component: lazyRouteComponent(fetched(() => import("@/routes/upgrade")), "UpgradePage"),
});

const welcomeRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/welcome",
  validateSearch: z.object({ checkout: z.optional(z.catch(z.string(), "")) }),
  // A payment may be confirmed a moment after the browser is back, so this page
  // waits for it itself instead of being sent to the plans.
  beforeLoad: guard("account"),
  component: lazyRouteComponent(fetched(() => import("@/routes/welcome")), "WelcomePage"),
});

const homeRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/home",
  beforeLoad: guard("work"),
  component: lazyRouteComponent(fetched(() => import("@/routes/home")), "HomePage"),
});

const dataRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/data",
  beforeLoad: guard("work"),
  component: lazyRouteComponent(fetched(() => import("@/routes/data")), "DataPage"),
});

const uploadRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/data/upload",
  validateSearch: z.object({
    kind: z.optional(z.catch(z.enum(kinds), "demand")),
    upload: z.optional(z.catch(z.string(), "")),
  }),
  beforeLoad: guard("work"),
  component: lazyRouteComponent(fetched(() => import("@/routes/upload")), "UploadPage"),
});

const goalRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/goal",
  validateSearch: z.object({
    /** A saved goal to start from. */
    from: z.optional(z.string()),
    /** A field of it to change, and its new value. */
    field: z.optional(z.string()),
    value: z.optional(z.number()),
    /** A sample business whose suggested goal to start from. */
    sample: z.optional(z.string()),
  }),
  beforeLoad: guard("work"),
  component: lazyRouteComponent(fetched(() => import("@/routes/goal")), "GoalPage"),
});

const decisionsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/decisions",
  beforeLoad: guard("work"),
  component: lazyRouteComponent(fetched(() => import("@/routes/decisions")), "DecisionsPage"),
});

const decisionRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/decisions/$run",
  beforeLoad: guard("work"),
  component: lazyRouteComponent(fetched(() => import("@/routes/decision")), "DecisionPage"),
});

const outboxRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/outbox",
  beforeLoad: async ({ context }) => {
    await knownSession(context.queryClient);
  },
  component: lazyRouteComponent(fetched(() => import("@/routes/outbox")), "OutboxPage"),
});

// Each section is a page under the tabs of the frame; features/settings/sections.ts lists them.
const settingsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/settings",
  beforeLoad: guard("account"),
  component: lazyRouteComponent(fetched(() => import("@/routes/settings")), "SettingsFrame"),
});

const settingsGeneralRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: "/",
  component: lazyRouteComponent(fetched(() => import("@/routes/settings/general")), "GeneralSettings"),
});

const settingsKeysRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: "/keys",
  component: lazyRouteComponent(fetched(() => import("@/routes/settings/keys")), "KeysSettings"),
});

const deviceRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/device",
  validateSearch: z.object({ code: z.optional(z.catch(z.string(), "")) }),
  beforeLoad: guard("account"),
  component: lazyRouteComponent(fetched(() => import("@/routes/device")), "DevicePage"),
});

const settingsTeamRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: "/team",
  component: lazyRouteComponent(fetched(() => import("@/routes/settings/team")), "TeamSettings"),
});

const settingsCompanyRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: "/company",
  component: lazyRouteComponent(fetched(() => import("@/routes/settings/company")), "CompanySettings"),
});

const settingsAuditRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: "/audit",
  validateSearch: filterShape,
  component: lazyRouteComponent(fetched(() => import("@/routes/settings/audit")), "AuditSettings"),
});

const settingsUsageRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: "/usage",
  component: lazyRouteComponent(fetched(() => import("@/routes/settings/usage")), "UsageSettings"),
});

const settingsPlanRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: "/plan",
  // Who comes back from the payment service's own page brings it with them.
  validateSearch: z.object({ from: z.optional(z.catch(z.string(), "")) }),
  component: lazyRouteComponent(fetched(() => import("@/routes/settings/plan")), "PlanSettings"),
});

const routeTree = rootRoute.addChildren([
  indexRoute,
  signUpRoute,
  verifyRoute,
  joinRoute,
  signInRoute,
  frameRoute.addChildren([
    plansRoute,
    upgradeRoute,
    welcomeRoute,
    homeRoute,
    dataRoute,
    uploadRoute,
    goalRoute,
    decisionsRoute,
    decisionRoute,
    outboxRoute,
    deviceRoute,
    settingsRoute.addChildren([
      settingsGeneralRoute,
      settingsPlanRoute,
      settingsUsageRoute,
      settingsTeamRoute,
      settingsKeysRoute,
      settingsAuditRoute,
      settingsCompanyRoute,
    ]),
  ]),
]);

/** Builds the router; one for the life of the page. */
export function buildRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree,
    context: { queryClient },
    defaultPreload: "intent",
    // The query cache decides what is fresh.
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultPendingComponent: Pending,
    defaultPendingMs: 250,
    defaultPendingMinMs: 300,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof buildRouter>;
  }
}
