import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { api, ask, isSignedOut, settle } from "@/lib/api/client";
import { flag, maybe, table, text } from "@/lib/api/shape";

export const sessionShape = z.object({
  person: z.object({ id: text, email: z.string() }),
  // A person who belongs to no company has none.
  tenant: z.pipe(
    z.nullish(z.object({ id: text, name: text })),
    z.transform((read) => read ?? { id: "", name: "" }),
  ),
  role: text,
  plan: maybe(z.object({ id: z.string(), name: z.string() })),
  access: z.enum(["none", "active", "past_due", "canceled"]),
  provisioning: z.enum(["none", "working", "ready", "failed"]),
  features: z.object({ mode: text, flags: table(z.boolean()) }),
  /** Why only reading is allowed for now. */
  restriction: maybe(z.object({ code: text, detail: text })),
  sandbox: flag,
  outbox: flag,
});

/** Who is signed in, for which company, and how far that company has come. */
export type Session = z.output<typeof sessionShape>;

/** The session; null when nobody is signed in, which is an answer and no mistake. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await ask(sessionShape, api.GET("/v1/session", { signal }));
    } catch (error) {
      if (isSignedOut(error)) return null;
      throw error;
    }
  },
  staleTime: 30_000,
});

export function signIn(credentials: { email: string; password: string }): Promise<Session> {
  return ask(sessionShape, api.POST("/v1/session", { body: credentials }));
}

export function signOut(): Promise<unknown> {
  return settle(api.DELETE("/v1/session"));
}

const signUpShape = z.object({ message: text });

export function signUp(who: { email: string; password: string; company: string }): Promise<{ message: string }> {
  return ask(signUpShape, api.POST("/v1/signup", { body: who }));
}

export function verify(token: string): Promise<Session> {
  return ask(sessionShape, api.POST("/v1/signup/verify", { body: { token } }));
}

/** Parts of the portal, by what a visitor needs to be let in. */
export type Area =
  | "visitor" // signing up and in: makes no sense with a session
  | "account" // needs a session only: plans, settings
  | "setup" // needs a plan: provisioning
  | "work"; // needs a plan and an environment that is ready

/** Where a visitor to an area has to go instead, or null when the area is open to them. */
export function detour(session: Session | null, area: Area): "/signin" | "/plans" | "/welcome" | "/home" | null {
  if (session === null) return area === "visitor" ? null : "/signin";
  const next = firstStop(session);
  if (area === "visitor") return next;
  if (area === "account") return null;
  if (next === "/plans") return next;
  if (area === "setup") return null;
  return next === "/home" ? null : next;
}

function firstStop(session: Session): "/plans" | "/welcome" | "/home" {
  if (session.access === "none" || session.access === "canceled") return "/plans";
  return session.provisioning === "ready" ? "/home" : "/welcome";
}
