/**
 * Sorts the messages that a node receives: messages of other nodes, its own messages, and foreign data.
 *
 * @module
 */

import { startsWith } from "../../contract/values/bytes.ts";
import type { AdapterData } from "../adapter.ts";
import { decodeEnvelope, encodeEnvelope } from "./envelope.ts";

/** Options of {@linkcode Inbox}. */
export interface InboxOptions {
  /** This node. Its own messages may come back. */
  readonly nodeId: string;
  /** Takes a message of another node. */
  deliver(channel: string, data: AdapterData, from: string): void;
  /** Called for data that no hub has sent. */
  onForeign(channel: string): void;
}

/** Sorts incoming messages. */
export class Inbox {
  readonly #options: InboxOptions;
  /**
   * The first bytes of this node's own messages. So the node need not decode its own messages, however large they are.
   */
  readonly #ownText: string;
  readonly #ownHeads: readonly Uint8Array[];

  /** @param options The options. */
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
   * @param channel The hub's name of the channel.
   * @param data The message, as the engine hands it over.
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
