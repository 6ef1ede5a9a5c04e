/**
 * How to log in to NATS.
 *
 * @module
 */

import type { Authenticator } from "nats";
import { ConnectError } from "./errors.ts";

/** One way to log in. */
export type Login =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  | { readonly nkeySeed: string }
  | { readonly creds: string };

/** The user's options for the login. */
export interface LoginOptions {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly nkeySeed?: string;
  readonly creds?: string;
}

/** A seed in base 32, of a user or of another kind of key. */
const SEED = /^S[A-Z2-7]{57}$/;
const CREDS = /-----BEGIN NATS USER JWT-----[\s\S]+-----BEGIN USER NKEY SEED-----\s*S[A-Z2-7]{57}\s/;

/**
 * Finds the way to log in that the options choose.
 *
 * @param options The user's options.
 * @throws {TypeError} If there are several ways, or one cannot be used. The message contains no secret.
 */
export function readLogin(options: LoginOptions): Login | undefined {
  const { user, password, token, nkeySeed, creds } = options;
  const used = Object.entries({ user, token, nkeySeed, creds }).filter(([, value]) => value !== undefined);
  if (used.length > 1) {
    const names = used.map(([name]) => name).join(" and ");
    throw new TypeError(`Cannot create a NATS adapter with ${names}: choose one way to log in`);
  }
  if (password !== undefined && user === undefined) {
    throw new TypeError("Cannot create a NATS adapter with a password but no user: give both");
  }
  if (nkeySeed !== undefined && !SEED.test(nkeySeed)) throw wrongSeed();
  if (creds !== undefined && !CREDS.test(creds)) throw wrongCreds();
  if (user !== undefined) return { user, password: password ?? "" };
  if (token !== undefined) return { token };
  if (nkeySeed !== undefined) return { nkeySeed };
  return creds === undefined ? undefined : { creds };
}

/**
 * Makes the authenticator for a login.
 *
 * @param nats The library.
 * @param login The way to log in.
 * @throws {ConnectError} If a seed or creds have the right form but are not valid. The message contains no secret.
 */
export function authenticatorOf(
  nats: typeof import("nats"),
  login: Login | undefined,
): Authenticator | undefined {
  if (!login) return undefined;
  if ("user" in login) return nats.usernamePasswordAuthenticator(login.user, login.password);
  if ("token" in login) return nats.tokenAuthenticator(login.token);
  const encoder = new TextEncoder();
  // Neither error may have the library's error as its cause, because that one may contain the secret.
  if ("nkeySeed" in login) {
    const seed = encoder.encode(login.nkeySeed);
    if (!works(() => nats.nkeys.fromSeed(seed))) throw unusable(wrongSeed());
    return nats.nkeyAuthenticator(seed);
  }
  const authenticator = nats.credsAuthenticator(encoder.encode(login.creds));
  if (!works(() => authenticator("nonce"))) throw unusable(wrongCreds());
  return authenticator;
}

function works(what: () => unknown): boolean {
  try {
    what();
    return true;
  } catch {
    return false;
  }
}

const wrongSeed = () =>
  new TypeError("Cannot create a NATS adapter: nkeySeed is not the seed of an nkey (SU…)");
const wrongCreds = () =>
  new TypeError("Cannot create a NATS adapter: creds is not the content of a creds file");
const unusable = (error: Error) => new ConnectError("refused", error.message, error);
