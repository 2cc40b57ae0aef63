// A client whose types are generated from the OpenAPI document. It compiles only if the document is
// complete, and succeeds only if the server behaves as documented.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Problem = components["schemas"]["Problem"];

const baseUrl = process.argv[2];
if (!baseUrl) throw new Error("give the URL of the service");
const client = createClient<paths>({ baseUrl });
const credentials = { email: "client@example.com", password: "a long walk along the sea" };

function refused(problem: Problem | undefined, code: Problem["code"]): void {
  if (problem?.code !== code) throw new Error(`not ${code}: ${JSON.stringify(problem)}`);
}

const { data: user, error: failed } = await client.POST("/api/signup", { body: credentials });
if (!user) throw new Error(`no account: ${failed.code}: ${failed.detail}`);

const again = await client.POST("/api/signup", { body: credentials });
refused(again.error, "email_taken");

const short = await client.POST("/api/signup", { body: { email: "a@example.com", password: "short" } });
const rules = short.error?.errors?.map(({ field, code }) => `${field}: ${code}`);
if (rules?.join() !== "password: password_too_short") throw new Error(`not refused: ${rules}`);

const wrong = await client.POST("/api/token", { body: { ...credentials, password: "wrong" } });
refused(wrong.error, "invalid_credentials");

const { data: tokens } = await client.POST("/api/token", { body: credentials });
if (!tokens) throw new Error("no token");
const { token_type, access_token, expires_in } = tokens;
const headers = { Authorization: `${token_type} ${access_token}` };
if (expires_in <= 0) throw new Error("a token that has expired");

const { data: me } = await client.GET("/api/me", { headers });
if (me?.id !== user.id) throw new Error("somebody else");

const { data: list } = await client.GET("/api/sessions", { headers });
const current = list?.sessions.find((session) => session.current);
if (!current) throw new Error("not signed in here");

const absent = { path: { id: "018c0000-0000-7000-8000-000000000000" } };
const unknown = await client.DELETE("/api/sessions/{id}", { headers, params: absent });
refused(unknown.error, "not_found");

const { response } = await client.POST("/api/logout", { headers, body: {} });
if (response.status !== 204) throw new Error("still signed in");
const after = await client.GET("/api/me", { headers });
refused(after.error, "invalid_token");
console.log("a client made from the document signs up, logs in and logs out");
