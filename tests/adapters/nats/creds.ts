/**
 * What `nsc` makes: an operator, an account and a user, as a server with a memory resolver and clients take them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { nkeys } from "nats";

type KeyPair = { getPublicKey(): string; getSeed(): Uint8Array; sign(bytes: Uint8Array): Uint8Array };

const base64url = (data: string | Uint8Array): string => Buffer.from(data).toString("base64url");

function createJwt(issuer: KeyPair, subject: KeyPair, name: string, nats: object): string {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject.getPublicKey(),
    nats,
  };
  const jti = createHash("sha256").update(JSON.stringify(claims)).digest("hex");
  const head = base64url(JSON.stringify({ typ: "JWT", alg: "ed25519-nkey" }));
  const signed = `${head}.${base64url(JSON.stringify({ ...claims, jti }))}`;
  return `${signed}.${base64url(issuer.sign(new TextEncoder().encode(signed)))}`;
}

function createFile(jwt: string, user: KeyPair): string {
  return [
    "-----BEGIN NATS USER JWT-----",
    jwt,
    "------END NATS USER JWT------",
    "",
    "-----BEGIN USER NKEY SEED-----",
    new TextDecoder().decode(user.getSeed()),
    "------END USER NKEY SEED------",
    "",
  ].join("\n");
}

/** Makes a server's configuration, creds that it takes, and creds that it does not. */
export function createCreds(): { config: string; creds: string; stranger: string } {
  const [operator, account, user]: KeyPair[] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const [others, stranger]: KeyPair[] = [nkeys.createAccount(), nkeys.createUser()];
  const limits = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    conn: -1,
    leaf: -1,
    wildcards: true,
  };
  const accountJwt = createJwt(operator!, account!, "app", { limits, type: "account", version: 2 });
  const userJwt = (by: KeyPair, who: KeyPair) =>
    createJwt(by, who, "node", { subs: -1, data: -1, payload: -1, type: "user", version: 2 });
  return {
    config: `operator: ${createJwt(operator!, operator!, "tests", { type: "operator", version: 2 })}
resolver: MEMORY
resolver_preload: { ${account!.getPublicKey()}: ${accountJwt} }`,
    creds: createFile(userJwt(account!, user!), user!),
    stranger: createFile(userJwt(others!, stranger!), stranger!),
  };
}
