import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { sessionShape, type Session } from "@/lib/session";
import { api, ask, settle } from "@/lib/api/client";
import { count, flag, list, text } from "@/lib/api/shape";

const memberShape = z.object({
  person: z.string(),
  email: text,
  role: text,
  joined: text,
  you: flag,
  readOnly: flag,
  /** What the person in front of the screen can do about this member. */
  roles: list(z.string()),
  remove: flag,
  giveSeat: flag,
});

const teamShape = z.object({
  members: list(memberShape),
  seats: z.object({ used: count, limit: count, plan: text }),
});

export type Member = z.output<typeof memberShape>;
export type Seats = z.output<typeof teamShape>["seats"];

export const teamQuery = queryOptions({
  queryKey: ["team"],
  queryFn: ({ signal }) => ask(teamShape, api.GET("/v1/members", { signal })),
});

const invitationShape = z.object({
  id: z.string(),
  email: text,
  role: text,
  inviter: text,
  sent: text,
  expires: text,
  over: flag,
});

export type Invitation = z.output<typeof invitationShape>;

export const invitationsQuery = queryOptions({
  queryKey: ["invitations"],
  queryFn: async ({ signal }) =>
    (await ask(z.object({ invitations: list(invitationShape) }), api.GET("/v1/invitations", { signal }))).invitations,
});

export function invite(who: { email: string; role: string }): Promise<unknown> {
  return settle(api.POST("/v1/invitations", { body: who }));
}

export function resend(id: string): Promise<unknown> {
  return settle(api.POST("/v1/invitations/{id}/resend", { params: { path: { id } } }));
}

export function revoke(id: string): Promise<unknown> {
  return settle(api.DELETE("/v1/invitations/{id}", { params: { path: { id } } }));
}

export function changeRole(person: string, role: string): Promise<unknown> {
  return settle(api.PATCH("/v1/members/{person}", { params: { path: { person } }, body: { role } }));
}

export function removeMember(person: string): Promise<unknown> {
  return settle(api.DELETE("/v1/members/{person}", { params: { path: { person } } }));
}

export function giveSeat(person: string): Promise<unknown> {
  return settle(api.POST("/v1/members/{person}/seat", { params: { path: { person } } }));
}

const lookShape = z.object({
  company: text,
  inviter: text,
  email: text,
  role: text,
  expires: text,
  next: z.enum(["accept", "sign_up", "sign_in", "switch"]),
});

export type Look = z.output<typeof lookShape>;

export function look(token: string): Promise<Look> {
  return ask(lookShape, api.POST("/v1/invitations/look", { body: { token } }));
}

export function accept(token: string, password: string): Promise<Session> {
  return ask(sessionShape, api.POST("/v1/invitations/accept", { body: { token, ...(password === "" ? {} : { password }) } }));
}
