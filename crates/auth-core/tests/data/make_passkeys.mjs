// Records registrations and assertions of Chromium with virtual authenticators, for passkeys.json.
// Run with Node.js 20 or later: `node make_passkeys.mjs > passkeys.json`. It needs `chromedriver` and
// Chromium, and the ports 8765 to 8767.

import { spawn } from "node:child_process";
import { createServer } from "node:http";

const ORIGIN = "http://localhost:8765";
const OTHER_ORIGIN = "http://localhost:8766";
const DRIVER = "http://localhost:8767";

/** Registers a passkey and uses it twice, in the browser. */
async function ceremonies({ algorithm, attestation, residentKey, userVerification, extensions }, done) {
  const challenge = () => crypto.getRandomValues(new Uint8Array(32));
  try {
    const created = await navigator.credentials.create({
      publicKey: {
        challenge: challenge(),
        rp: { id: "localhost", name: "Latchkey" },
        user: { id: new TextEncoder().encode("sixteen bytes id"), name: "ada", displayName: "Ada" },
        pubKeyCredParams: [{ type: "public-key", alg: algorithm }],
        attestation,
        authenticatorSelection: { residentKey, userVerification },
        extensions: extensions?.create,
      },
    });
    const assertions = [];
    for (let use = 0; use < 2; use++) {
      const allowCredentials =
        residentKey === "required" ? [] : [{ type: "public-key", id: created.rawId }];
      const used = await navigator.credentials.get({
        publicKey: {
          challenge: challenge(),
          rpId: "localhost",
          allowCredentials,
          userVerification,
          extensions: extensions?.get,
        },
      });
      assertions.push(used.toJSON());
    }
    done({ registration: created.toJSON(), assertions });
  } catch (error) {
    done({ error: String(error) });
  }
}

const platform = {
  protocol: "ctap2_1",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
};
const securityKey = { ...platform, transport: "usb" };
const request = { algorithm: -7, attestation: "none", residentKey: "required", userVerification: "required" };
const salt = new Array(32).fill(7);

const CASES = [
  { name: "platform, ES256", authenticator: platform, request },
  { name: "platform, Ed25519", authenticator: platform, request: { ...request, algorithm: -8 } },
  { name: "platform, RS256", authenticator: platform, request: { ...request, algorithm: -257 } },
  {
    name: "synchronised",
    authenticator: { ...platform, defaultBackupEligibility: true, defaultBackupState: true },
    request,
  },
  {
    name: "eligible for a backup",
    authenticator: { ...platform, defaultBackupEligibility: true },
    request,
  },
  { name: "security key", authenticator: securityKey, request },
  {
    name: "security key with attestation",
    authenticator: securityKey,
    request: { ...request, attestation: "direct" },
  },
  { name: "phone", authenticator: { ...platform, transport: "hybrid" }, request },
  {
    name: "security key with extensions",
    authenticator: {
      ...securityKey,
      extensions: ["minPinLength", "credBlob", "largeBlob", "prf"],
    },
    request: {
      ...request,
      extensions: {
        create: {
          credProps: true,
          minPinLength: true,
          credentialProtectionPolicy: "userVerificationRequired",
          prf: {},
          largeBlob: { support: "required" },
        },
        get: { getCredBlob: true, prf: { eval: { first: salt } } },
      },
    },
  },
  {
    name: "not discoverable",
    authenticator: securityKey,
    request: { ...request, residentKey: "discouraged" },
  },
  {
    name: "user not verified",
    authenticator: { ...securityKey, hasUserVerification: false },
    request: { ...request, residentKey: "discouraged", userVerification: "discouraged" },
  },
  {
    name: "U2F",
    authenticator: { ...securityKey, protocol: "ctap1/u2f", hasResidentKey: false, hasUserVerification: false },
    request: { ...request, residentKey: "discouraged", userVerification: "discouraged" },
  },
  { name: "cross-origin frame", authenticator: platform, request, framed: true },
];

const FRAME = `<!DOCTYPE html><iframe src="${ORIGIN}/"
  allow="publickey-credentials-create *; publickey-credentials-get *"></iframe>`;

async function listen(port, html) {
  const server = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(html);
  });
  await new Promise((resolve) => server.listen(port, "localhost", resolve));
  return server;
}

async function driver(method, path, body) {
  const response = await fetch(DRIVER + path, { method, body: body && JSON.stringify(body) });
  const { value } = await response.json();
  if (!response.ok) {
    throw new Error(`${path}: ${value.message}`);
  }
  return value;
}

async function driverIsReady() {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await driver("GET", "/status");
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error("chromedriver did not start");
}

async function record({ name, authenticator, request, framed }) {
  const args = ["--headless=new", "--no-sandbox", "--disable-gpu"];
  const capabilities = { alwaysMatch: { "goog:chromeOptions": { args } } };
  const { sessionId, capabilities: { browserVersion } } = await driver("POST", "/session", { capabilities });
  const session = `/session/${sessionId}`;
  try {
    await driver("POST", `${session}/url`, { url: framed ? OTHER_ORIGIN : ORIGIN });
    await driver("POST", `${session}/webauthn/authenticator`, authenticator);
    if (framed) {
      await driver("POST", `${session}/frame`, { id: 0 });
      // A cross-origin frame needs a click before it may create a credential.
      const body = await driver("POST", `${session}/element`, { using: "css selector", value: "body" });
      await driver("POST", `${session}/element/${Object.values(body)[0]}/click`, {});
    }
    const script = `
      const request = arguments[0];
      const prf = request.extensions?.get?.prf;
      if (prf) prf.eval.first = new Uint8Array(prf.eval.first);
      (${ceremonies})(request, arguments[arguments.length - 1]);`;
    const result = await driver("POST", `${session}/execute/async`, { script, args: [request] });
    if (result.error) {
      throw new Error(`${name}: ${result.error}`);
    }
    return { name, by: `Chromium ${browserVersion}`, origin: ORIGIN, ...result };
  } finally {
    await driver("DELETE", session);
  }
}

const servers = [await listen(8765, "<!DOCTYPE html><p>Click"), await listen(8766, FRAME)];
const chromedriver = spawn("chromedriver", ["--port=8767"], { stdio: "ignore" });
try {
  await driverIsReady();
  const records = [];
  for (const item of CASES) {
    records.push(await record(item));
  }
  console.log(JSON.stringify(records, null, 2));
} finally {
  chromedriver.kill();
  servers.forEach((server) => server.close());
}
