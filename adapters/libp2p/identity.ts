/**
 * The identity of a node on the network: a key, and an id made from the key. Address lists and `allow` name the id, so
 * the key must stay the same.
 *
 * @module
 */

import { chmod, readFile, writeFile } from "node:fs/promises";
import type { PrivateKey } from "@libp2p/interface";
import { fromBase64, toBase64 } from "../../contract/mod.ts";
import { loadLibrary } from "../kit/library.ts";

/** The result of {@linkcode createLibp2pIdentity}. */
export interface Libp2pIdentity {
  /** The id, for `allow` and for addresses: `12D3KooW…`. */
  readonly peerId: string;
  /** The key in base64, for `privateKey`. A process with this key is this node to all others: keep it like a password. */
  readonly privateKey: string;
}

/**
 * Creates an identity for a node. Each node needs its own: two running nodes with the same identity never reach each
 * other.
 *
 * @example
 * ```ts ignore needs libp2p
 * const { peerId, privateKey } = await createLibp2pIdentity();
 * ```
 *
 * @returns A new identity.
 * @throws {LibraryError} If libp2p is not installed.
 */
export async function createLibp2pIdentity(): Promise<Libp2pIdentity> {
  const { generateKeyPair, privateKeyToProtobuf } = await loadKeys();
  const key = await generateKeyPair("Ed25519");
  return { peerId: key.publicKey.toString(), privateKey: toBase64(privateKeyToProtobuf(key)) };
}

/**
 * Reads or creates the key of a node.
 *
 * @param given The key in base64, if the user passed one.
 * @param file The file that holds the key. Written the first time. Without `given` and `file` the key is new each time.
 */
export async function keyOf(given: string | undefined, file: string | undefined): Promise<PrivateKey> {
  const { generateKeyPair } = await loadKeys();
  if (given !== undefined) return await readKey(given, "privateKey of createLibp2pAdapter");
  if (file === undefined) return await generateKeyPair("Ed25519");
  return await readKey(await keptText(file), `the identity in ${file}`);
}

/** The content of an identity file. Writes the file if it does not exist. */
async function keptText(file: string): Promise<string> {
  for (let attempt = 0;; attempt++) {
    try {
      return (await readFile(file, "utf8")).trim();
    } catch (cause) {
      if (!hasCode(cause, "ENOENT") || attempt > 0) {
        throw new Error(`Cannot read the identity of this node in ${file}: ${(cause as Error).message}`, {
          cause,
        });
      }
    }
    const { privateKey } = await createLibp2pIdentity();
    try {
      // Another process may have written the file first. Then its identity is read.
      await writeFile(file, `${privateKey}\n`, { flag: "wx", mode: 0o600 });
      await chmod(file, 0o600);
    } catch (cause) {
      if (hasCode(cause, "EEXIST")) continue;
      throw new Error(`Cannot keep the identity of this node in ${file}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}

async function readKey(text: string, what: string): Promise<PrivateKey> {
  const { privateKeyFromProtobuf } = await loadKeys();
  try {
    return privateKeyFromProtobuf(fromBase64(text));
  } catch {
    // The library's message may show the key.
    throw new TypeError(`Cannot use ${what}: it is not a key from createLibp2pIdentity()`);
  }
}

async function loadKeys(): Promise<typeof import("@libp2p/crypto/keys")> {
  return await loadLibrary("@libp2p/crypto", "", () => import("@libp2p/crypto/keys"));
}

function hasCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown } | null)?.code === code;
}
