/**
 * A message on its way to connections: encoded once per codec, whoever it goes to.
 *
 * @module
 */

import type { Codec, Encoded, ServerMessage } from "../../contract/mod.ts";

/** What may become of a message when its connection is slow. */
export interface Urgency {
  /** Whether the policy `"drop"` may drop it. */
  readonly droppable: boolean;
  /** Only the latest message of one key is worth keeping. */
  readonly conflateKey?: string;
}

const ESSENTIAL: Urgency = { droppable: false };

/** One message for any number of connections. */
export class OutgoingMessage {
  /** What to do with it when a connection is slow. */
  readonly urgency: Urgency;
  readonly #message: ServerMessage;
  #codec: Codec | undefined;
  #encoded: Encoded = "";
  #others: Map<Codec, Encoded> | undefined;

  /**
   * @param message The message of the wire.
   * @param urgency Left out for what must arrive or end the connection: answers, history, the protocol's own.
   */
  constructor(message: ServerMessage, urgency: Urgency = ESSENTIAL) {
    this.#message = message;
    this.urgency = urgency;
  }

  /**
   * The message as a codec has it; encoded at the first call for each.
   *
   * @param codec The codec.
   * @throws {HubError} `BAD_REQUEST` when the codec cannot carry it.
   */
  encoded(codec: Codec): Encoded {
    if (this.#codec === codec) return this.#encoded;
    const known = this.#others?.get(codec);
    if (known !== undefined) return known;
    const encoded = codec.encode(this.#message);
    if (this.#codec) (this.#others ??= new Map()).set(codec, encoded);
    else {
      this.#encoded = encoded;
      this.#codec = codec;
    }
    return encoded;
  }
}
