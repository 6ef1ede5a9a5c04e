/**
 * Partitions: the fixed parts into which an application's channels fall, each on one slot of the Redis Cluster, so that
 * a channel's traffic lives on one shard and a shard needs one connection.
 *
 * @module
 */

const SLOTS = 16_384;

/** CRC-16 as Redis Cluster hashes keys (XMODEM: polynomial 0x1021, begins with 0), a step for each byte. */
const CRC_STEPS: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

const encoder = new TextEncoder();

/** Where channels of a partition live. */
export interface Place {
  /** What stands between the braces of the names of its Redis channels. */
  readonly tag: string;
  /** The slot of that tag. */
  readonly slot: number;
}

/** The slot of a hash tag. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of encoder.encode(tag)) crc = ((crc << 8) ^ CRC_STEPS[(crc >> 8) ^ byte]!) & 0xffff;
  return crc % SLOTS;
}

/**
 * Lays out partitions: each gets the first tag whose slot is in its own equal share of the slots, so that masters with
 * equal shares of slots get equal shares of partitions. The number of partitions is part of each tag: nodes that
 * disagree about it never meet, and never take one channel for another.
 *
 * @param count How many.
 */
export function placePartitions(count: number): Place[] {
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [i, i + 1].map((n) => Math.floor(n * SLOTS / count)) as [number, number];
    for (let n = 0;; n++) {
      const tag = `${count}.${i}.${n}`;
      const slot = slotOf(tag);
      if (slot >= from && slot < to) return { tag, slot };
    }
  });
}

/**
 * The partition of a channel (FNV-1a over its UTF-16 units).
 *
 * @param channel Any text.
 * @param count How many partitions there are.
 */
export function partitionOf(channel: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < channel.length; i++) hash = Math.imul(hash ^ channel.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % count;
}

/**
 * Gives channels their names on Redis: `prefix:{tag}:channel`. Different pairs of prefix and channel have different
 * names, as no escaped prefix has a brace.
 */
export class Names {
  readonly #prefix: string;

  /**
   * @param prefix The application's prefix; begins all names, for ACL patterns such as `&shop:*`.
   * @throws {TypeError} If it is empty or not well-formed Unicode.
   */
  constructor(prefix: string) {
    if (typeof prefix !== "string" || prefix === "" || !prefix.isWellFormed()) {
      throw new TypeError(
        "Cannot use this prefix with Redis Cluster: it must be well-formed text, not empty",
      );
    }
    this.#prefix = prefix.replace(/[%{}]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  }

  /** The name of a channel. */
  of(tag: string, channel: string): string {
    return `${this.#prefix}:{${tag}}${text(":", channel)}`;
  }

  /** What the keys of histories begin with. */
  historyKeys(tag: string): string {
    return `${this.#prefix}:{${tag}}:history:`;
  }

  /** What the keys of presence begin with. */
  presenceKeys(tag: string): string {
    return `${this.#prefix}:{${tag}}:presence:`;
  }

  /** The name of the channel by which one node probes its own connection. */
  ofProbe(tag: string, nodeId: string): string {
    return `${this.#prefix}:{${tag}}${text("!", nodeId)}`;
  }
}

/** Names cross the wire in UTF-8, where all lone surrogates are the same: in JSON they are not. */
function text(kind: ":" | "!", value: string): string {
  return value.isWellFormed() ? `${kind}${value}` : `${kind === ":" ? "~" : "?"}${JSON.stringify(value)}`;
}
