// Checks the JavaScript sample of docs/embedding/verify-tokens.md: check.mjs SAMPLE ISSUER LATCHKEY
//
// The sample must accept tokens of the server at ISSUER, before and after a rotation of its keys,
// and reject altered tokens. LATCHKEY is the program. LATCHKEY_DATABASE names its database.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { SignJWT, UnsecuredJWT, decodeProtectedHeader, exportJWK, generateKeyPair } from "jose";

const [sample, issuer, latchkey] = process.argv.slice(2);
const credentials = { email: "ada@example.com", password: "a long walk along the sea" };
let loaded = 0;

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

/** Returns the function of the sample, with this issuer and no cached keys. */
async function load(url) {
  const source = readFileSync(sample, "utf8");
  assert(source.includes("https://auth.example.com"), "the sample has another issuer");
  const file = new URL(`./loaded-${++loaded}.mjs`, import.meta.url);
  writeFileSync(file, source.replace("https://auth.example.com", url));
  return (await import(file.href)).verify;
}

async function logIn() {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(credentials);
  const response = await fetch(`${issuer}/api/token`, { method: "POST", headers, body });
  assert(response.ok, `the log-in failed with ${response.status}`);
  return (await response.json()).access_token;
}

const rejects = (verify, token) => verify(token).then(() => false, () => true);

// The tokens of the server.
let verify = await load(issuer);
const old = await logIn();
const claims = await verify(old);
assert(claims.iss === issuer && claims.aud === issuer, JSON.stringify(claims));
const [head, body, signature] = old.split(".");
const changed = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
assert(await rejects(verify, `${head}.${body}.${changed}`), "accepted a changed signature");
assert(await rejects(verify, ""), "accepted nothing");

// After a rotation, the new key is unknown until the set is fetched again.
execFileSync(latchkey, ["keys", "rotate", "--now"]);
const fresh = await logIn();
assert(decodeProtectedHeader(fresh).kid !== decodeProtectedHeader(old).kid, "the key is the same");
assert(await rejects(verify, fresh), "an unknown key must not cause a fetch at once");
verify = await load(issuer);
assert((await verify(fresh)).sub === claims.sub, "rejected a token of the new key");
assert((await verify(old)).sub === claims.sub, "rejected a token of the old key");

// Altered tokens, signed by a key of the issuer.
const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
const jwk = await exportJWK(publicKey);
const p256 = await generateKeyPair("ES256", { extractable: true });
const p256Jwk = await exportJWK(p256.publicKey);
let fetches = 0;
const server = createServer((request, response) => {
  fetches += 1;
  response.setHeader("content-type", "application/json");
  const key = { ...jwk, kid: "key-1", use: "sig", alg: "EdDSA" };
  response.end(JSON.stringify({ keys: [key, { ...p256Jwk, kid: "p256", use: "sig" }] }));
});
await new Promise((started) => server.listen(0, "127.0.0.1", started));
const url = `http://127.0.0.1:${server.address().port}`;
verify = await load(url);
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
  "another key": await token({}, {}, (await generateKeyPair("EdDSA")).privateKey),
  "an unknown key": await token({}, { kid: "key-2" }),
  "another algorithm": await token({}, { alg: "ES256", kid: "p256" }, p256.privateKey),
  "no signature": new UnsecuredJWT(valid).encode(),
  "the public key as a secret": await token({}, { alg: "HS256" }, Buffer.from(jwk.x, "base64url")),
};
for (const name of ["exp", "nbf", "iat", "sub", "sid", "jti", "iss", "aud"]) {
  altered[`no ${name}`] = await token({ [name]: undefined });
}
for (const [name, alteredToken] of Object.entries(altered)) {
  assert(await rejects(verify, alteredToken), `accepted: ${name}`);
}

// The key set is cached, and many unknown keys cause no further fetch.
for (let number = 0; number < 20; number++) {
  await verify(await token());
  assert(await rejects(verify, await token({}, { kid: `unknown-${number}` })), "accepted");
}
assert(fetches === 1, `${fetches} fetches`);
server.close();
const count = Object.keys(altered).length;
console.log(`the JavaScript sample accepts tokens of the server and rejects ${count} altered ones`);
