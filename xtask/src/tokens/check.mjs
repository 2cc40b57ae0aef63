// Checks the JavaScript sample of docs/embedding/verify-tokens.md: check.mjs SAMPLE ISSUER LATCHKEY
//
// The sample must accept tokens of the server at ISSUER, before and after a rotation of its keys,
// and reject altered tokens. LATCHKEY is the program. LATCHKEY_DATABASE names its database.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import { SignJWT, UnsecuredJWT, decodeProtectedHeader, exportJWK, generateKeyPair } from "jose";

const [file, issuer, latchkey] = process.argv.slice(2);
const credentials = { email: "ada@example.com", password: "a long walk along the sea" };
let loaded = 0;
process.env.PORT = "0";

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

/** Returns the module of the sample, with this issuer and no cached keys. */
async function load(url) {
  const source = readFileSync(file, "utf8");
  assert(source.includes("https://auth.example.com"), "the sample has another issuer");
  const copy = new URL(`./loaded-${++loaded}.mjs`, import.meta.url);
  writeFileSync(copy, source.replace("https://auth.example.com", url));
  return await import(copy.href);
}

/** Returns whether a token may be valid, but the keys are not available. */
async function isUnavailable({ verify, KeysUnavailable }, token) {
  const error = await verify(token).then(() => null, (error) => error);
  return error instanceof KeysUnavailable;
}

/** Sends a request to the server of the sample. Returns the status, WWW-Authenticate and body. */
async function send({ server }, authorization) {
  if (!server.listening) await once(server, "listening");
  assert(server.address().address === "127.0.0.1", "the sample listens on all interfaces");
  const headers = authorization === undefined ? {} : { authorization };
  const response = await fetch(`http://127.0.0.1:${server.address().port}`, { headers });
  const challenge = response.headers.get("www-authenticate");
  return JSON.stringify([response.status, challenge, await response.text()]);
}

async function logIn() {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(credentials);
  const response = await fetch(`${issuer}/api/token`, { method: "POST", headers, body });
  assert(response.ok, `the log-in failed with ${response.status}`);
  return (await response.json()).access_token;
}

let sample;
const verify = (token) => sample.verify(token);
const rejects = (token) =>
  verify(token).then(() => false, (error) => !(error instanceof sample.KeysUnavailable));

// The tokens of the server.
execFileSync(latchkey, ["users", "grant", credentials.email, "admin"]);
sample = await load(issuer);
const old = await logIn();
const claims = await verify(old);
assert(claims.iss === issuer && claims.aud === issuer, JSON.stringify(claims));
const [head, body, signature] = old.split(".");
const changed = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
assert(await rejects(`${head}.${body}.${changed}`), "accepted a changed signature");
assert(await rejects(""), "accepted nothing");

// The endpoint.
const answer = JSON.stringify({ user: claims.sub, roles: ["admin"] });
const accepted = JSON.stringify([200, null, answer]);
const rejected = JSON.stringify([401, 'Bearer realm="app"', ""]);
for (const [authorization, expected] of [
  [`Bearer ${old}`, accepted],
  [`bearer  ${old}`, accepted],
  [undefined, rejected],
  ["", rejected],
  ["Bearer", rejected],
  [`Basic ${old}`, rejected],
  [old, rejected],
  [`Bearer ${old}x`, rejected],
]) {
  const response = await send(sample, authorization);
  assert(response === expected, `${authorization}: ${response}`);
}

// After a rotation, the new key is unknown until the set is fetched again.
execFileSync(latchkey, ["keys", "rotate", "--now"]);
const fresh = await logIn();
assert(decodeProtectedHeader(fresh).kid !== decodeProtectedHeader(old).kid, "the key is the same");
assert(await rejects(fresh), "an unknown key must not cause a fetch at once");
sample = await load(issuer);
assert((await verify(fresh)).sub === claims.sub, "rejected a token of the new key");
assert((await verify(old)).sub === claims.sub, "rejected a token of the old key");

// Altered tokens, signed by a key of the issuer.
const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
const jwk = await exportJWK(publicKey);
const p256 = await generateKeyPair("ES256", { extractable: true });
const p256Jwk = await exportJWK(p256.publicKey);
let fetches = 0;
const key = { ...jwk, kid: "key-1", use: "sig", alg: "EdDSA" };
const keySet = [200, JSON.stringify({ keys: [key, { ...p256Jwk, kid: "p256", use: "sig" }] })];
let [status, document] = keySet;
const server = createServer((request, response) => {
  fetches += 1;
  response.writeHead(status, { "content-type": "application/json" }).end(document);
});
await new Promise((started) => server.listen(0, "127.0.0.1", started));
const url = `http://127.0.0.1:${server.address().port}`;
sample = await load(url);
const now = Math.floor(Date.now() / 1000);
const valid = { ...claims, iss: url, aud: url, iat: now, nbf: now - 30, exp: now + 300 };
const header = { alg: "EdDSA", typ: "at+jwt", kid: "key-1" };
const token = (changedClaims = {}, changedHeader = {}, key = privateKey) =>
  new SignJWT({ ...valid, ...changedClaims }).setProtectedHeader({ ...header, ...changedHeader }).sign(key);

assert((await verify(await token())).sub === claims.sub, "rejected a valid token");
const altered = {
  "an expired token": await token({ exp: now - 1 }),
  "a token of the future": await token({ nbf: now + 5 }),
  "another issuer": await token({ iss: "https://other.example" }),
  "another audience": await token({ aud: "https://other.example" }),
  "a list of audiences": await token({ aud: [url, "https://other.example"] }),
  "another client": await token({ client_id: "other" }),
  "another type": await token({}, { typ: "JWT" }),
  "no type": await token({}, { typ: undefined }),
  "a string as the roles": await token({ roles: "superadmin" }),
  "null as the roles": await token({ roles: null }),
  "an object as the roles": await token({ roles: { admin: true } }),
  "a number as a role": await token({ roles: ["admin", 1] }),
  "another key": await token({}, {}, (await generateKeyPair("EdDSA")).privateKey),
  "an unknown key": await token({}, { kid: "key-2" }),
  "no key": await token({}, { kid: undefined }),
  "a number as a key": await token({}, { kid: 1 }),
  "another algorithm": await token({}, { alg: "ES256", kid: "p256" }, p256.privateKey),
  "no signature": new UnsecuredJWT(valid).encode(),
  "the public key as a secret": await token({}, { alg: "HS256" }, Buffer.from(jwk.x, "base64url")),
};
for (const name of ["exp", "nbf", "iat", "sub", "sid", "jti", "iss", "aud", "client_id"]) {
  altered[`no ${name}`] = await token({ [name]: undefined });
}
for (const [name, alteredToken] of Object.entries(altered)) {
  assert(await rejects(alteredToken), `accepted: ${name}`);
}

// The key set is cached, and many unknown keys cause no further fetch.
for (let number = 0; number < 20; number++) {
  await verify(await token());
  assert(await rejects(await token({}, { kid: `unknown-${number}` })), "accepted");
}
assert(fetches === 1, `${fetches} fetches`);
assert((await send(sample, `Bearer ${await token({ roles: undefined })}`)).includes('\\"roles\\":[]'));

// Without keys, a token may be valid. A text that is not a token is invalid nevertheless.
console.error = () => {};
const clock = Date.now;
const unavailable = JSON.stringify([503, null, ""]);
for (const broken of [[200, "<html></html>"], [200, '{"keys":[]}'], [200, "[]"], [200, "{}"], [500, "{}"]]) {
  [status, document] = broken;
  const known = sample;
  sample = await load(url);
  assert(await isUnavailable(sample, await token()), `${broken}`);
  assert((await send(sample, `Bearer ${await token()}`)) === unavailable, `${broken}`);
  assert(await rejects("nonsense"), `${broken}`);
  // After the cooldown, an unknown key causes a fetch.
  [status, document] = keySet;
  sample = await load(url);
  await verify(await token());
  [status, document] = broken;
  Date.now = () => clock() + 31_000;
  const unknown = await token({}, { kid: "key-2" });
  assert(await isUnavailable(sample, unknown), `${broken} for an unknown key`);
  Date.now = clock;
  sample = known;
}
server.close();
server.closeAllConnections();
assert(await isUnavailable(await load(url), await token()), "no connection");
const count = Object.keys(altered).length;
console.log(`the JavaScript sample accepts tokens of the server and rejects ${count} altered ones`);
process.exit();
