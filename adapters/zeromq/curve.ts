/**
 * Keys of CURVE, which encrypts, and says who is on the other side.
 *
 * @module
 */

import { list, secret } from "../../contract/options/option_kinds.ts";
import { bag, type Kind, optional, type Rows } from "../../contract/options/read_options.ts";

/** The keys of a node or a proxy, each of 40 characters (Z85), as `curveKeyPair()` of `zeromq` makes them. */
export interface ZeroMqKeys {
  /** The public key. */
  readonly publicKey: string;
  /** The secret key. No error shows it. */
  readonly secretKey: string;
  /**
   * The public keys that are let in. Whoever has none of them is refused before a byte of it is read.
   *
   * @default {[publicKey]} All nodes share one pair.
   */
  readonly allow?: readonly string[];
}

/** What sockets are made with. */
export interface Security {
  readonly keys: Required<ZeroMqKeys> | undefined;
}

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const KEY = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

/** A key, as text; no error shows what was given, as it may be the secret one. */
export const curveKey: Kind<string> = (value, place) => {
  const text = secret(value, place);
  if (KEY.test(text)) return text;
  throw new TypeError(
    `Cannot use ${place.path} of ${place.owner}: give a key of 40 characters (Z85), as curveKeyPair() of \`zeromq\` makes`,
  );
};

const KEYS = {
  publicKey: curveKey,
  secretKey: curveKey,
  allow: optional(list(curveKey, { min: 1 })),
} satisfies Rows<ZeroMqKeys>;

/** The row for keys: `"none"` says on purpose that there are none. */
export const curveRow: Kind<ZeroMqKeys | "none" | undefined> = (value, place) => {
  if (value === undefined || value === "none") return value;
  const keys = bag(KEYS)(value, place);
  return { ...keys, allow: keys.allow ?? [keys.publicKey] };
};

const LOOPBACK = /^(ipc:\/\/|tcp:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])[:/])/;

/**
 * Whoever reaches a port that listens may read and inject everything: without keys only this machine may, unless that is said.
 *
 * @param owner The function that takes the options.
 * @param curve What was given.
 * @param addresses Where it will listen.
 * @throws {TypeError} If keys are missing.
 */
export function readSecurity(
  owner: string,
  curve: ZeroMqKeys | "none" | undefined,
  addresses: readonly string[],
): Security {
  const open = addresses.find((address) => !LOOPBACK.test(address));
  if (curve === undefined && open !== undefined) {
    throw new TypeError(
      `Cannot listen at ${open} without curve in ${owner}: everybody who reaches that port could read and send ` +
        `everything. Give keys, or curve: "none" where only your own machines reach it`,
    );
  }
  if (curve === undefined || curve === "none") return { keys: undefined };
  return { keys: curve as Required<ZeroMqKeys> };
}

/** Writes a key's 32 bytes as text. */
export function toZ85(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const value = view.getUint32(at);
    for (let divisor = 85 ** 4; divisor >= 1; divisor /= 85) text += DIGITS[Math.floor(value / divisor) % 85];
  }
  return text;
}

/** The domain that every socket with keys names: without somebody who answers for it nobody gets in. */
const DOMAIN = "trunkline";

/** The options of a socket that listens. */
export function listening({ keys }: Security): object {
  if (!keys) return {};
  return {
    curveServer: true,
    curveSecretKey: keys.secretKey,
    zapDomain: DOMAIN,
    zapEnforceDomain: true,
  };
}

/**
 * The options of a socket that connects.
 *
 * @param serverKey The public key of who listens there.
 */
export function connecting({ keys }: Security, serverKey: string | undefined): object {
  if (!keys) return {};
  return {
    curvePublicKey: keys.publicKey,
    curveSecretKey: keys.secretKey,
    curveServerKey: serverKey ?? keys.publicKey,
  };
}
