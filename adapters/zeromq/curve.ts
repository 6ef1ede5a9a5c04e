/**
 * Keys of CURVE, which encrypts connections and authenticates both sides.
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
   * The public keys of the nodes that may connect. ZeroMQ refuses all others before it reads a byte.
   *
   * @default {[publicKey]} All nodes share one key pair.
   */
  readonly allow?: readonly string[];
}

/** The security options of sockets. */
export interface Security {
  readonly keys: Required<ZeroMqKeys> | undefined;
}

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const KEY = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

/** A key, as text. Errors do not show the value, because it may be the secret key. */
export const curveKey: Kind<string> = (value, place) => {
  const text = secret(value, place);
  if (KEY.test(text)) return text;
  throw new TypeError(
    `Cannot use ${place.path} of ${place.owner}: give a key of 40 characters (Z85), from curveKeyPair() of \`zeromq\``,
  );
};

const KEYS = {
  publicKey: curveKey,
  secretKey: curveKey,
  allow: optional(list(curveKey, { min: 1 })),
} satisfies Rows<ZeroMqKeys>;

/** The rule for keys. `"none"` states that no keys are wanted. */
export const curveRow: Kind<ZeroMqKeys | "none" | undefined> = (value, place) => {
  if (value === undefined || value === "none") return value;
  const keys = bag(KEYS)(value, place);
  return { ...keys, allow: keys.allow ?? [keys.publicKey] };
};

const LOOPBACK = /^(ipc:\/\/|tcp:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])[:/])/;

/**
 * Checks that an open port has keys. Without keys, any machine that reaches the port could read and inject messages. So
 * without keys only this machine may connect, unless the option is `"none"`.
 *
 * @param owner The function that takes the options.
 * @param curve The option.
 * @param addresses The addresses to listen on.
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
      `Cannot listen at ${open} without curve in ${owner}: every machine that reaches this port could read and send ` +
        `all messages. Give keys, or curve: "none" if only your own machines reach it`,
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

/** The ZAP domain of all sockets with keys. ZeroMQ then refuses all connections if no ZAP handler runs. */
const DOMAIN = "trunkline";

/** The security options of a socket that listens. */
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
 * The security options of a socket that connects.
 *
 * @param serverKey The public key of the other side.
 */
export function connecting({ keys }: Security, serverKey: string | undefined): object {
  if (!keys) return {};
  return {
    curvePublicKey: keys.publicKey,
    curveSecretKey: keys.secretKey,
    curveServerKey: serverKey ?? keys.publicKey,
  };
}
