/**
 * Maps channels to topics of gossipsub. One topic for all channels costs least by far. A frame holds messages of one
 * topic. A node signs each frame, and each receiver checks the signature.
 *
 * @module
 */

/**
 * How many topics one application has. Must be a power of 2, and the same on all nodes. See
 * `docs/decisions/0040-one-topic-on-libp2p.md`.
 */
const TOPICS = 1;

/** Prefix of an encoded channel name. No channel of a hub starts with it. */
const ESCAPE = "\0j";

/**
 * The name of an application on the network: a hash of the prefix, so it does not show the prefix and has a fixed
 * length.
 *
 * @param prefix The prefix of the adapter.
 */
export async function applicationOf(prefix: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(prefix));
  return [...new Uint8Array(hash, 0, 12)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The name of a channel in frames. Frames are UTF-8, where all lone surrogates become the same character, so such names
 * are encoded.
 *
 * @param channel The channel's name in the hub.
 */
export function nameOf(channel: string): string {
  return channel.isWellFormed() && !channel.startsWith(ESCAPE) ? channel : ESCAPE + JSON.stringify(channel);
}

/** The topics of one application. */
export class Topics {
  /** All topics. */
  readonly all: readonly string[];

  /** @param application The result of {@linkcode applicationOf}. */
  constructor(application: string) {
    this.all = Array.from({ length: TOPICS }, (_, i) => `trunkline/1/${application}/${i}`);
  }

  /**
   * The topic of a channel.
   *
   * @param name The channel's name.
   */
  of(name: string): string {
    let hash = 0x811c9dc5; // FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    return this.all[(hash ^ (hash >>> 16)) & (TOPICS - 1)]!;
  }

  /** Whether a topic belongs to this application. */
  has(topic: string): boolean {
    return this.all.includes(topic);
  }
}
