// Compares the verdicts of auth-core on passkeys with those of @simplewebauthn/server. The argument is
// a file with the output of `altered_passkeys`.

import { webcrypto } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";
import { decodeAttestationObject } from "@simplewebauthn/server/helpers";

// Node.js 18 has no global `crypto`.
globalThis.crypto ??= webcrypto;

const ACCEPTED = "accepted";

/**
 * The differences that are intended. A difference must match all the patterns of a rule, and each
 * rule must be used.
 */
const INTENDED = [
  {
    why: "base64url has no padding, and no bits after the last byte",
    ours: /^Encoding\(/,
    theirs: /^accepted$/,
    change: /padded/,
  },
  {
    why: "client data are UTF-8, and their members have the right types and occur once",
    ours: /^ClientData$/,
    theirs: /^accepted$/,
    change: /^clientDataJSON: /,
  },
  {
    why: "registrations in cross-origin frames are rejected, and a top origin never occurs",
    ours: /^CrossOrigin$/,
    theirs: /^accepted$/,
    change: /./,
    record: /^cross-origin frame$/,
  },
  {
    why: "a frame is cross-origin even if its top origin is unknown",
    ours: /^CrossOrigin$/,
    theirs: /^accepted$/,
    change: /^clientDataJSON: (crossOrigin|topOrigin) /,
  },
  {
    why: "the credential ID in the authenticator data is that of the credential",
    ours: /^CredentialIdMismatch$/,
    theirs: /^accepted$/,
    change: /^json: both other|^attestationObject: |^authenticatorData: /,
  },
  {
    why: "a credential ID has 1 to 1023 bytes",
    ours: /^CredentialId\(/,
    theirs: /^accepted$/,
    change: /^attestationObject: credential ID of (0|1024) bytes$/,
  },
  {
    why: "a key is checked when it is registered, not only when it is used",
    ours: /^PublicKey\((Malformed|KeyType|Invalid)\)$/,
    theirs: /^accepted$/,
    change: /^attestationObject: (bit|key) /,
  },
  {
    why: "CBOR that ends in the middle of an item is malformed",
    ours: /^AuthenticatorData$/,
    theirs: /^accepted$/,
    change: /^attestationObject: bit /,
  },
  {
    why: "an attestation object has the members that it must have, once, and nothing follows it",
    ours: /^AttestationObject$/,
    theirs: /^accepted$/,
    change: /^attestationObject: /,
  },
  {
    why: "nothing follows a signature",
    ours: /^Signature$/,
    theirs: /^accepted$/,
    change: /^signature: and /,
  },
  {
    why: "attestation statements are not verified",
    ours: /^accepted$/,
    theirs: /^accepted without attestation$/,
    change: /^attestationObject: |^clientDataJSON: /,
  },
  {
    why: "Web Authentication Level 3 reserves `tokenBinding` and does not use it",
    ours: /^accepted$/,
    theirs: /token ?binding/i,
    change: /^clientDataJSON: tokenBinding /,
  },
  {
    why: "an integer need not have the shortest form",
    ours: /^accepted$/,
    theirs: /./,
    change: /^attestationObject: key with a longer integer$/,
  },
];

const decode = (text) => new Uint8Array(Buffer.from(text, "base64url"));

/** Returns the verdict of the other implementation: `accepted`, or its error. */
async function verify({ ceremony, credential, challenge, origin, rpId, stored }) {
  const expected = {
    response: credential,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: rpId,
    requireUserVerification: true,
  };
  try {
    const { verified } =
      ceremony === "registration"
        ? await verifyRegistrationResponse({ ...expected, supportedAlgorithmIDs: [-7, -8, -257] })
        : await verifyAuthenticationResponse({
            ...expected,
            credential: {
              id: credential.id,
              publicKey: decode(stored.publicKey),
              counter: stored.counter,
            },
          });
    return verified ? ACCEPTED : "not verified";
  } catch (error) {
    return error.message;
  }
}

/** Like `verify`, but for a registration with the attestation `none`. */
async function verifyWithoutAttestation(line) {
  const object = decode(line.credential.response.attestationObject);
  const data = Buffer.from(decodeAttestationObject(object).get("authData"));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(data.length);
  const head = Buffer.from("\xa3cfmtdnonegattStmt\xa0hauthData\x59", "latin1");
  const attestationObject = Buffer.concat([head, length, data]).toString("base64url");
  const response = { ...line.credential.response, attestationObject };
  return verify({ ...line, credential: { ...line.credential, response } });
}

const counts = new Map(INTENDED.map((rule) => [rule, 0]));
const differences = [];
let comparisons = 0;
let accepted = 0;

for await (const text of createInterface({ input: createReadStream(process.argv[2]) })) {
  const line = JSON.parse(text);
  const ours = line.verdict;
  let theirs = await verify(line);
  comparisons += 1;
  if ((ours === ACCEPTED) === (theirs === ACCEPTED)) {
    accepted += ours === ACCEPTED ? 1 : 0;
    continue;
  }
  if (ours === ACCEPTED && line.ceremony === "registration" && !/token ?binding/i.test(theirs)) {
    if ((await verifyWithoutAttestation(line)) === ACCEPTED) {
      theirs = "accepted without attestation";
    }
  }
  const rule = INTENDED.find(
    (rule) =>
      rule.ours.test(ours) &&
      rule.theirs.test(theirs) &&
      rule.change.test(line.change) &&
      (rule.record?.test(line.record) ?? true),
  );
  if (rule) {
    counts.set(rule, counts.get(rule) + 1);
  } else {
    const { record, ceremony, change } = line;
    differences.push(`${record}, ${ceremony}, ${change}: ${ours}, but there ${theirs}`);
  }
}

for (const [rule, count] of counts) {
  console.log(`${String(count).padStart(6)} differences: ${rule.why}`);
  if (count === 0) {
    differences.push(`the rule is not needed: ${rule.why}`);
  }
}
console.log(`${comparisons} comparisons, ${accepted} of them accepted by both`);
if (comparisons < 20_000 || accepted < 2_000) {
  differences.push("too few comparisons");
}
if (differences.length > 0) {
  console.error(`${differences.length} differences that are not intended:`);
  console.error(differences.slice(0, 20).join("\n"));
  process.exitCode = 1;
}
