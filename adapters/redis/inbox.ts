/**
 * What a node's subscriber hears: messages of others, its own ones, its probes, and what is not ours.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";
import { decodeEnvelope, encodeEnvelope } from "../kit/envelope.ts";

/** What {@linkcode RedisInbox} needs. */
export interface RedisInboxOptions {
  /** This node, whose own messages come back. */
  readonly nodeId: string;
  /** The channel of its probes. */
  readonly probeChannel: string;
  /** What the hub calls a channel in Redis; `undefined` when it does not want it any more. */
  nameOf(channel: string): string | undefined;
  /** Takes a message of another node. */
  deliver(channel: string, data: AdapterData, from: string): void;
  /** Takes a probe. */
  onProbe(text: string): void;
  /** Told of data that is of no hub. */
  onForeign(channel: string): void;
}

/** Sorts what arrives. */
export class RedisInbox {
  readonly #options: RedisInboxOptions;
  /** What this node's own text and bytes begin with: those need no decoding, however large they are. */
  readonly #ownHeads: readonly Uint8Array[];
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** @param options What it needs. */
  constructor(options: RedisInboxOptions) {
    this.#options = options;
    const { nodeId } = options;
    this.#ownHeads = ["", new Uint8Array()].map((nothing) => {
      const head = encodeEnvelope(nodeId, nothing);
      return typeof head === "string" ? new TextEncoder().encode(head) : head;
    });
  }

  /**
   * Takes a message.
   *
   * @param channel Its channel, in Redis.
   * @param data What it is.
   */
  receive(channel: Uint8Array, data: Uint8Array<ArrayBuffer>): void {
    const { nodeId, probeChannel, nameOf, deliver, onProbe, onForeign } = this.#options;
    const key = this.#decoder.decode(channel);
    if (key === probeChannel) return onProbe(this.#decoder.decode(data));
    const name = nameOf(key);
    if (name === undefined || this.#ownHeads.some((head) => startsWith(data, head))) return;
    const envelope = decodeEnvelope(data);
    if (!envelope) return onForeign(name);
    if (envelope.from !== nodeId) deliver(name, envelope.data, envelope.from);
  }
}

function startsWith(data: Uint8Array, head: Uint8Array): boolean {
  return data.length >= head.length && head.every((byte, i) => data[i] === byte);
}
