/**
 * What a node hears: messages of others, its own ones, and what is of no hub.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";
import { decodeEnvelope, encodeEnvelope } from "./envelope.ts";

/** What {@linkcode Inbox} needs. */
export interface InboxOptions {
  /** This node, whose own messages may come back. */
  readonly nodeId: string;
  /** Takes a message of another node. */
  deliver(channel: string, data: AdapterData, from: string): void;
  /** Hears of data that no hub has sent. */
  onForeign(channel: string): void;
}

/** Sorts what arrives. */
export class Inbox {
  readonly #options: InboxOptions;
  /** What this node's own messages begin with: those need no decoding, however large they are. */
  readonly #ownText: string;
  readonly #ownHeads: readonly Uint8Array[];

  /** @param options What it needs. */
  constructor(options: InboxOptions) {
    this.#options = options;
    const { nodeId } = options;
    this.#ownText = encodeEnvelope(nodeId, "") as string;
    this.#ownHeads = [
      new TextEncoder().encode(this.#ownText),
      encodeEnvelope(nodeId, new Uint8Array()) as Uint8Array,
    ];
  }

  /**
   * Takes a message.
   *
   * @param channel What the hub calls its channel.
   * @param data What it is, as the engine hands it over.
   */
  receive(channel: string, data: AdapterData): void {
    const { nodeId, deliver, onForeign } = this.#options;
    if (this.#isOwn(data)) return;
    const envelope = decodeEnvelope(data);
    if (!envelope) return onForeign(channel);
    if (envelope.from !== nodeId) deliver(channel, envelope.data, envelope.from);
  }

  #isOwn(data: AdapterData): boolean {
    return typeof data === "string"
      ? data.startsWith(this.#ownText)
      : this.#ownHeads.some((head) => startsWith(data, head));
  }
}

function startsWith(data: Uint8Array, head: Uint8Array): boolean {
  return data.length >= head.length && head.every((byte, i) => data[i] === byte);
}
