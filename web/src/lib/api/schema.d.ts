/**
 * Addresses, parameters and bodies of the HTTP API. `npm run generate` writes this
 * file anew from docs/openapi/openapi.json. Answers are read by shapes (see
 * shape.ts), so nothing here is trusted at run time.
 */

import type { Goal } from "./goal";

type Ok<Status extends number = 200> = {
  [code in Status]: { headers: Record<string, unknown>; content: { "application/json": unknown } };
} & { default: { headers: Record<string, unknown>; content: { "application/problem+json": unknown } } };

interface NoParameters {
  query?: never;
  header?: never;
  path?: never;
  cookie?: never;
}

interface Get<Query = never, Path = never> {
  parameters: { query?: Query; header?: never; path: Path; cookie?: never };
  requestBody?: never;
  responses: Ok;
}

interface GetAll<Query = never> {
  parameters: { query?: Query; header?: never; path?: never; cookie?: never };
  requestBody?: never;
  responses: Ok;
}

interface Send<Body, Path = never> {
  parameters: { query?: never; header?: never; path: Path; cookie?: never };
  requestBody: { content: { "application/json": Body } };
  responses: Ok<200 | 201 | 202>;
}

interface SendAll<Body> {
  parameters: NoParameters;
  requestBody: { content: { "application/json": Body } };
  responses: Ok<200 | 201 | 202>;
}

interface Act<Path> {
  parameters: { query?: never; header?: never; path: Path; cookie?: never };
  requestBody?: never;
  responses: Ok<200 | 202>;
}

interface Id {
  id: string;
}
interface Kind {
  kind: "demand" | "stock" | "suppliers";
}
interface Mapped {
  kind: "demand" | "stock" | "suppliers";
  mapping: Record<string, number>;
  dateOrder?: "dmy" | "mdy";
}

export interface paths {
  "/health": { parameters: NoParameters; get: GetAll };
  "/v1/signup": { parameters: NoParameters; post: SendAll<{ email: string; password: string; company: string }> };
  "/v1/signup/verify": { parameters: NoParameters; post: SendAll<{ token: string }> };
  "/v1/session": {
    parameters: NoParameters;
    get: GetAll;
    post: SendAll<{ email: string; password: string }>;
    delete: GetAll;
  };
  "/v1/plans": { parameters: NoParameters; get: GetAll };
  "/v1/billing": { parameters: NoParameters; get: GetAll };
  "/v1/billing/checkout": {
    parameters: NoParameters;
    post: SendAll<{ plan: string; interval: "month" | "year" }>;
  };
  "/v1/provisioning": { parameters: NoParameters; get: GetAll };
  "/v1/outbox": { parameters: NoParameters; get: GetAll };
  "/v1/samples": { parameters: NoParameters; get: GetAll };
  "/v1/samples/{id}/load": { parameters: NoParameters; post: Act<Id> };
  "/v1/tables": { parameters: NoParameters; get: GetAll };
  "/v1/tables/{kind}": { parameters: NoParameters; delete: Act<Kind> };
  "/v1/tables/{kind}/rows": { parameters: NoParameters; get: Get<{ after?: string; limit?: number }, Kind> };
  "/v1/tables/formats": { parameters: NoParameters; get: GetAll };
  "/v1/tables/problems": { parameters: NoParameters; get: GetAll };
  "/v1/uploads/{id}": { parameters: NoParameters; get: Get<never, Id> };
  "/v1/uploads/{id}/check": { parameters: NoParameters; post: Send<Mapped, Id> };
  "/v1/uploads/{id}/commit": { parameters: NoParameters; post: Send<Mapped, Id> };
  "/v1/templates": { parameters: NoParameters; get: GetAll };
  "/v1/goals/match": { parameters: NoParameters; post: SendAll<{ text: string }> };
  "/v1/goals": {
    parameters: NoParameters;
    get: GetAll;
    post: SendAll<{ title: string; text: string; template: string; goal: Goal }>;
  };
  "/v1/goals/{id}": { parameters: NoParameters; get: Get<never, Id> };
  "/v1/runs": {
    parameters: NoParameters;
    get: GetAll<{ after?: string }>;
    post: {
      parameters: { query?: never; header?: { "Idempotency-Key"?: string }; path?: never; cookie?: never };
      requestBody: { content: { "application/json": { goalId: string } } };
      responses: Ok<202>;
    };
  };
  "/v1/runs/{id}": { parameters: NoParameters; get: Get<never, Id> };
  "/v1/runs/{id}/cancel": { parameters: NoParameters; post: Act<Id> };
  "/v1/runs/{id}/result": { parameters: NoParameters; get: Get<never, Id> };
}
