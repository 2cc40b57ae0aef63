// A client whose types are generated from the OpenAPI document. It compiles only if the document is
// complete, and succeeds only if the server behaves as documented.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Problem = components["schemas"]["Problem"];

const baseUrl = process.argv[2];
if (!baseUrl) throw new Error("usage: client.js URL");
const client = createClient<paths>({ baseUrl });
const credentials = { email: "client@example.com", password: "a long walk along the sea" };

function expectProblem(problem: Problem | undefined, code: Problem["code"]): void {
  if (problem?.code !== code) throw new Error(`expected ${code}, got ${JSON.stringify(problem)}`);
}

const { data: user, error: failed } = await client.POST("/api/signup", { body: credentials });
if (!user) throw new Error(`sign-up failed: ${failed.code}: ${failed.detail}`);

const again = await client.POST("/api/signup", { body: credentials });
expectProblem(again.error, "email_taken");

const short = await client.POST("/api/signup", { body: { email: "a@example.com", password: "short" } });
const fields = short.error?.errors?.map(({ field, code }) => `${field}: ${code}`);
if (fields?.join() !== "password: password_too_short") throw new Error(`unexpected field errors: ${fields}`);

const wrong = await client.POST("/api/token", { body: { ...credentials, password: "wrong" } });
expectProblem(wrong.error, "invalid_credentials");

const { data: tokens } = await client.POST("/api/token", { body: credentials });
if (!tokens) throw new Error("log-in failed");
const { token_type, access_token, expires_in } = tokens;
const headers = { Authorization: `${token_type} ${access_token}` };
if (expires_in <= 0) throw new Error("the access token has already expired");

const { data: me } = await client.GET("/api/me", { headers });
if (me?.id !== user.id) throw new Error("GET /api/me did not return the signed-up user");

const { data: list } = await client.GET("/api/sessions", { headers });
const current = list?.sessions.find((session) => session.current);
if (!current) throw new Error("the current session is not listed");

if (me.email_verified_at !== null) throw new Error("the email address is verified already");
const unverified = await client.PUT("/api/me/email/verification", { headers, body: { code: "x" } });
if (unverified.error?.errors?.[0]?.code !== "code_wrong") throw new Error("the code was not rejected");

const absent = { path: { id: "018c0000-0000-7000-8000-000000000000" } };
const unknown = await client.DELETE("/api/sessions/{id}", { headers, params: absent });
expectProblem(unknown.error, "not_found");

const { response } = await client.POST("/api/logout", { headers, body: {} });
if (response.status !== 204) throw new Error("log-out failed");
const after = await client.GET("/api/me", { headers });
expectProblem(after.error, "invalid_token");
console.log("the generated client signed up, logged in and logged out");
