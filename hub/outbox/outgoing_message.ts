/**
 * A message on its way to connections. It is encoded once per codec, for all connections.
 *
 * @module
 */

import { type Codec, type Encoded, jsonCodec, type ServerMessage, utf8Size } from "../../contract/mod.ts";

/** What the hub may do with a message when its connection is slow. */
export interface Urgency {
  /** Whether the policy `"drop"` may drop it. */
  readonly droppable: boolean;
  /** A later message with the same key may replace this one. */
  readonly conflateKey?: string;
}

const ESSENTIAL: Urgency = { droppable: false };
/** The urgency of messages that may be dropped, but not conflated. */
export const DROPPABLE: Urgency = { droppable: true };

/**
 * One message for any number of connections. The first encoding reads the payload; later changes of the payload do not
 * matter. So all connections get the same message, even if they get it later from a history.
 */
export class OutgoingMessage {
  /** What may happen to it when a connection is slow. */
  readonly urgency: Urgency;
  /** The function that makes the message; or the message, until it is encoded. */
  #message: ServerMessage | (() => ServerMessage) | undefined;
  readonly #json: string | (() => string) | undefined;
  #codec: Codec | undefined;
  #encoded: Encoded = "";
  /** The size in bytes; -1 until it is measured. */
  #size = -1;
  #others: Map<Codec, Encoded> | undefined;

  /**
   * @param message The message of the wire, or a function that makes it for a codec.
   * @param urgency Left out for messages that must not be dropped: answers, history, messages of the protocol. If such
   * messages exceed the limits, the connection is closed.
   * @param json The same text as `jsonCodec` makes, or a function that makes it, if the text is known already.
   */
  constructor(
    message: ServerMessage | (() => ServerMessage),
    urgency: Urgency = ESSENTIAL,
    json?: string | (() => string),
  ) {
    this.#message = message;
    this.#json = json;
    this.urgency = urgency;
  }

  /**
   * The encoded message. The first call for each codec encodes it.
   *
   * @param codec The codec.
   * @throws {HubError} `BAD_REQUEST` when the codec cannot carry it.
   */
  encoded(codec: Codec): Encoded {
    if (this.#codec === codec) return this.#encoded;
    const known = this.#others?.get(codec);
    if (known !== undefined) return known;
    const encoded = this.#encode(codec);
    if (this.#codec) (this.#others ??= new Map()).set(codec, encoded);
    else {
      this.#encoded = encoded;
      this.#codec = codec;
      if (typeof this.#message !== "function") this.#message = undefined;
    }
    return encoded;
  }

  /**
   * The size of the encoded message. Text is measured once.
   *
   * @param codec The codec.
   * @returns The size in bytes.
   * @throws {HubError} `BAD_REQUEST` when the codec cannot carry it.
   */
  size(codec: Codec): number {
    const encoded = this.encoded(codec);
    if (this.#codec !== codec) return utf8Size(encoded);
    return this.#size < 0 ? this.#size = utf8Size(encoded) : this.#size;
  }

  #encode(codec: Codec): Encoded {
    const json = this.#json;
    if (json !== undefined && codec === jsonCodec) return typeof json === "string" ? json : json();
    if (typeof this.#message === "function") return codec.encode(this.#message());
    return codec.encode(this.#message ?? this.#decoded(this.#codec!));
  }

  /** The message as a client with another codec gets it. */
  #decoded(codec: Codec): readonly unknown[] {
    const [message] = codec.decode(codec.join([this.#encoded]));
    return message as readonly unknown[];
  }
}
