/**
 * How channels become topics of gossipsub. One topic for all is cheapest by far: a frame holds messages of one topic, and each is
 * signed, and checked by all who get it.
 *
 * @module
 */

/** How many topics one application has, a power of 2; see `docs/decisions/0040-one-topic-on-libp2p.md`. All nodes have to agree on it. */
const TOPICS = 1;

/** What a name starts with that is not the channel itself. No channel of a hub does. */
const ESCAPE = "\0j";

/**
 * The name of an application on the network: says nothing of the prefix, and is as long for any.
 *
 * @param prefix The prefix of the adapter.
 */
export async function applicationOf(prefix: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(prefix));
  return [...new Uint8Array(hash, 0, 12)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The name of a channel in frames, which are UTF-8: there all lone surrogates are the same.
 *
 * @param channel What the hub calls it.
 */
export function nameOf(channel: string): string {
  return channel.isWellFormed() && !channel.startsWith(ESCAPE) ? channel : ESCAPE + JSON.stringify(channel);
}

/** The topics of one application. */
export class Topics {
  /** All of them. */
  readonly all: readonly string[];

  /** @param application What {@linkcode applicationOf} gave. */
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

  /** Whether a topic is one of them. */
  has(topic: string): boolean {
    return this.all.includes(topic);
  }
}
