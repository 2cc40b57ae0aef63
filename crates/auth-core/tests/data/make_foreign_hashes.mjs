// Generates the hashes of npm packages for make_foreign_hashes.py. The hashes of Firebase are in the
// format of Supabase.

import { readFileSync } from "node:fs";
import bcrypt from "bcryptjs";
import firebaseScrypt from "firebase-scrypt";

const { FirebaseScrypt } = firebaseScrypt;
const version = (name) =>
  JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version;

const saltSeparator = "Bw==";
const signerKey = Buffer.from("a signer key of 64 bytes that nobody uses, as each project's own").toString("base64");
const salt = Buffer.from("sixteen bytes go").toString("base64");

async function firebase(password, memCost) {
  const scrypt = new FirebaseScrypt({ memCost, rounds: 8, saltSeparator, signerKey });
  const hash = await scrypt.hash(password, salt);
  return {
    by: `firebase-scrypt ${version("firebase-scrypt")}`,
    password,
    hash: `$fbscrypt$v=1,n=${memCost},r=8,p=1,ss=${saltSeparator},sk=${signerKey}$${salt}$${hash}`,
  };
}

const passwords = JSON.parse(readFileSync(0, "utf8"));
const hashes = [];
for (const password of passwords) {
  hashes.push({ by: `bcryptjs ${version("bcryptjs")}`, password, hash: bcrypt.hashSync(password, 4) });
  hashes.push(await firebase(password, 5));
}
hashes.push(await firebase(passwords[0], 14));
console.log(JSON.stringify(hashes));
