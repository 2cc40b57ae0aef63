// A client whose types are generated from the OpenAPI document. It compiles only if the document is
// complete, and succeeds only if the server behaves as documented.

import { createHmac } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Problem = components["schemas"]["Problem"];

const [baseUrl, mails] = process.argv.slice(2);
if (!baseUrl || !mails) throw new Error("usage: client.js URL MAIL_DIRECTORY");
const client = createClient<paths>({ baseUrl });
const credentials = { email: "client@example.com", password: "a long walk along the sea" };

function expectProblem(problem: Problem | undefined, code: Problem["code"]): void {
  if (problem?.code !== code) throw new Error(`expected ${code}, got ${JSON.stringify(problem)}`);
}

/** Returns the code in the newest mail to the client, which is sent within seconds. */
async function mailedCode(since: number): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const files = readdirSync(mails!).map((name) => join(mails!, name));
    const fresh = files.filter((file) => file.endsWith(".eml") && statSync(file).mtimeMs >= since);
    const texts = fresh.map((file) => readFileSync(file, "utf8"));
    const mail = texts.find((text) => text.includes(`To: ${credentials.email}`));
    const code = mail?.match(/#code=([0-9A-Z-]+)/)?.[1];
    if (code) return code;
    await setTimeout(200);
  }
  throw new Error("no mail with a code was sent");
}

/** Returns the code that an authenticator app shows (RFC 6238). */
function totp(secret: string, time: number): string {
  const digits = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"];
  const bits = [...secret].map((digit) => digits.indexOf(digit).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(time / 30_000)));
  const hash = createHmac("sha1", key).update(step).digest();
  const number = hash.readUInt32BE(hash.readUInt8(19) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

const start = Date.now();
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

const unproven = await client.POST("/api/me/totp", { headers, body: {} });
expectProblem(unproven.error, "email_unverified");
const code = await mailedCode(start);
const verified = await client.PUT("/api/me/email/verification", { headers, body: { code } });
if (!verified.data?.email_verified_at) throw new Error("the email address was not verified");

const { data: app } = await client.POST("/api/me/totp", { headers, body: {} });
if (!app) throw new Error("the set-up of an app did not begin");
const now = Date.now();
const confirmation = { code: totp(app.secret, now) };
const { data: confirmed } = await client.PUT("/api/me/totp", { headers, body: confirmation });
if (confirmed?.recovery_codes.length !== 10) throw new Error("the second factor was not turned on");

const { error: first } = await client.POST("/api/token", { body: credentials });
expectProblem(first, "second_factor_required");
const { ticket, factors } = first ?? {};
if (!ticket || factors?.join() !== "totp,recovery_code") throw new Error("there is no ticket");
const repeated = await client.POST("/api/token/second-factor", { body: { ticket, ...confirmation } });
if (repeated.error?.errors?.[0]?.code !== "code_wrong") throw new Error("a code was accepted twice");
const second = { ticket, code: totp(app.secret, now + 30_000) };
const { data: completed } = await client.POST("/api/token/second-factor", { body: second });
if (completed?.token_type !== token_type) throw new Error("the log-in was not completed");
const used = await client.POST("/api/token/second-factor", { body: second });
expectProblem(used.error, "invalid_ticket");

const { data: options } = await client.POST("/api/token/passkey/options", { body: {} });
if (options?.userVerification !== "required") throw new Error("there are no options for passkeys");
const unknownPasskey = await client.POST("/api/token/passkey", { body: { credential: {} } });
expectProblem(unknownPasskey.error, "invalid_credentials");

const absent = { path: { id: "018c0000-0000-7000-8000-000000000000" } };
const unknown = await client.DELETE("/api/sessions/{id}", { headers, params: absent });
expectProblem(unknown.error, "not_found");

const { response } = await client.POST("/api/logout", { headers, body: {} });
if (response.status !== 204) throw new Error("log-out failed");
const after = await client.GET("/api/me", { headers });
expectProblem(after.error, "invalid_token");
console.log("the generated client signed up, logged in in one and in two steps, and logged out");
