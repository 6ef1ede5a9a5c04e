/**
 * Partitions: an application's channels are divided into a fixed number of parts, each on one slot of the Redis
 * Cluster. So the traffic of a channel is on one shard, and each shard needs one connection.
 *
 * @module
 */

const SLOTS = 16_384;

/** CRC-16 as Redis Cluster hashes keys (XMODEM: polynomial 0x1021, starts with 0): the step for each byte. */
const CRC_STEPS: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

const encoder = new TextEncoder();

/** Where the channels of a partition are. */
export interface Place {
  /** The text between the braces in the names of its Redis channels. */
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
 * Gives each partition the first tag whose slot is in the partition's equal share of the slots. So masters with equal
 * shares of slots get equal shares of partitions. Each tag contains the number of partitions. So nodes with different
 * numbers never reach each other, and never confuse two channels.
 *
 * @param count The number of partitions.
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
 * Makes the names of channels in Redis: `prefix:{tag}:channel`. Different pairs of prefix and channel get different
 * names, because an escaped prefix has no brace.
 */
export class Names {
  readonly #prefix: string;

  /**
   * @param prefix The application's prefix. All names begin with it, for ACL patterns such as `&shop:*`.
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

  /** The start of the keys of histories. */
  historyKeys(tag: string): string {
    return `${this.#prefix}:{${tag}}:history:`;
  }

  /** The start of the keys of presence. */
  presenceKeys(tag: string): string {
    return `${this.#prefix}:{${tag}}:presence:`;
  }

  /** The name of the channel on which a node probes its own connection. */
  ofProbe(tag: string, nodeId: string): string {
    return `${this.#prefix}:{${tag}}${text("!", nodeId)}`;
  }
}

/** Names are sent in UTF-8, where all lone surrogates are the same. In JSON they differ. */
function text(kind: ":" | "!", value: string): string {
  return value.isWellFormed() ? `${kind}${value}` : `${kind === ":" ? "~" : "?"}${JSON.stringify(value)}`;
}
