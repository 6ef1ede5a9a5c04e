/**
 * A message on its way to connections: encoded once per codec, whoever it goes to.
 *
 * @module
 */

import { type Codec, type Encoded, jsonCodec, type ServerMessage, utf8Size } from "../../contract/mod.ts";

/** What may become of a message when its connection is slow. */
export interface Urgency {
  /** Whether the policy `"drop"` may drop it. */
  readonly droppable: boolean;
  /** Only the latest message of one key is worth keeping. */
  readonly conflateKey?: string;
}

const ESSENTIAL: Urgency = { droppable: false };
/** For what may be dropped, and is worth keeping all. */
export const DROPPABLE: Urgency = { droppable: true };

/**
 * One message for any number of connections. The payload is read once, by the first encoding: every connection, and
 * whoever is sent the message from a history later, gets the same, whatever has become of the payload since.
 */
export class OutgoingMessage {
  /** What to do with it when a connection is slow. */
  readonly urgency: Urgency;
  /** What makes the message; or the message, until it is encoded. */
  #message: ServerMessage | (() => ServerMessage) | undefined;
  readonly #json: (() => string) | undefined;
  #codec: Codec | undefined;
  #encoded: Encoded = "";
  /** In bytes; unknown until somebody asks. */
  #size = -1;
  #others: Map<Codec, Encoded> | undefined;

  /**
   * @param message The message of the wire, or what makes it when a codec asks for it.
   * @param urgency Left out for what must arrive or end the connection: answers, history, the protocol's own.
   * @param json Makes the message as `jsonCodec` would, where its text is known already.
   */
  constructor(
    message: ServerMessage | (() => ServerMessage),
    urgency: Urgency = ESSENTIAL,
    json?: () => string,
  ) {
    this.#message = message;
    this.#json = json;
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
   * How large the message is as a codec has it. Text is measured for it, once.
   *
   * @param codec The codec.
   * @returns In bytes.
   * @throws {HubError} `BAD_REQUEST` when the codec cannot carry it.
   */
  size(codec: Codec): number {
    const encoded = this.encoded(codec);
    if (this.#codec !== codec) return utf8Size(encoded);
    return this.#size < 0 ? this.#size = utf8Size(encoded) : this.#size;
  }

  #encode(codec: Codec): Encoded {
    if (this.#json && codec === jsonCodec) return this.#json();
    if (typeof this.#message === "function") return codec.encode(this.#message());
    return codec.encode(this.#message ?? this.#decoded(this.#codec!));
  }

  /** The message as those who speak another codec get it. */
  #decoded(codec: Codec): readonly unknown[] {
    const [message] = codec.decode(codec.join([this.#encoded]));
    return message as readonly unknown[];
  }
}
