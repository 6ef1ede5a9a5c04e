/**
 * From a link's first byte to a connection: hello, and authentication, within a time. What only that needs is let go with
 * it: connections are many.
 *
 * @module
 */

import {
  asClientMessage,
  CLOSE_CODES,
  type Encoded,
  exceedsUtf8,
  type Hello,
  HubError,
  toWireError,
  type WireError,
} from "../../contract/mod.ts";
import type { Link, LinkRequest } from "../../transports/transport.ts";
import { Abortable } from "../connection/abortable.ts";
import { Connection, type ConnectionRules } from "../connection/connection.ts";
import { Outbox, type OutboxRules } from "../outbox/outbox.ts";
import type { SessionContext } from "./session_context.ts";
import type { Turn } from "../outbox/turn.ts";

/** What {@linkcode Handshake} needs. */
export interface HandshakeOptions {
  /** What all sessions of a hub share. */
  readonly context: SessionContext;
  /** How all outboxes hold. */
  readonly outbox: OutboxRules;
  /** How all connections ask. */
  readonly connection: ConnectionRules;
}

/** The handshake of one link. */
export class Handshake {
  /** The address that counts. */
  readonly address: string | undefined;
  readonly #options: HandshakeOptions;
  readonly #link: Link;
  readonly #turn: Turn;
  readonly #request: Request;
  readonly #onHello: (hello: Hello) => void;
  readonly #cancelDeadline: () => void;
  #authenticating: Abortable | undefined;
  #saidHello = false;

  /**
   * @param options What it needs.
   * @param link The server's end of the link.
   * @param request What is known of the client, with the address that counts.
   * @param turn The turn of this link's transport and codec.
   * @param onHello Called when the client has said hello, once.
   */
  constructor(
    options: HandshakeOptions,
    link: Link,
    { request, address }: LinkRequest,
    turn: Turn,
    onHello: (hello: Hello) => void,
  ) {
    this.address = address;
    this.#options = options;
    this.#link = link;
    this.#request = request;
    this.#turn = turn;
    this.#onHello = onHello;
    const { options: { clock }, limits: { handshakeTimeoutMs } } = options.context;
    this.#cancelDeadline = clock.after(handshakeTimeoutMs, () => {
      link.close(CLOSE_CODES.HANDSHAKE_TIMEOUT, `Not authenticated within ${handshakeTimeoutMs} ms`);
    }, { background: true });
  }

  /** The client has said something. Does not throw. */
  receive(frame: Encoded): void {
    const { limits: { maxFrameBytes } } = this.#options.context;
    if (this.#saidHello) {
      this.close(CLOSE_CODES.PROTOCOL_ERROR, "Nothing may be said between hello and welcome");
    } else if (exceedsUtf8(frame, maxFrameBytes)) {
      this.close(CLOSE_CODES.FRAME_TOO_LARGE, `A frame may have ${maxFrameBytes} bytes at the most`);
    } else this.#hello(frame);
  }

  /**
   * Finds out who it is.
   *
   * @param hello What the client has said.
   * @throws {HubError} `FORBIDDEN`, or what the application refuses it with.
   */
  async authenticate({ role, token }: Hello): Promise<Connection> {
    const { context: { contract, options, nextId }, connection, outbox } = this.#options;
    const { address } = this;
    const surface = contract.roles.get(role);
    if (!surface) throw new HubError("FORBIDDEN", `There is no role "${role.slice(0, 64)}"`);
    const authenticating = this.#authenticating = new Abortable();
    const { role: given, user, ctx } = await options.authenticate({
      role,
      token,
      request: this.#request,
      address,
      get signal() {
        return authenticating.signal;
      },
    });
    this.#authenticating = undefined;
    if (given !== role) throw new HubError("FORBIDDEN", `Not allowed to connect as "${role}"`);
    const identity = { id: nextId(), surface, user, ctx, address };
    return new Connection(identity, new Outbox(this.#link, this.#turn, outbox), connection);
  }

  /** Tells the client why it cannot connect, and closes the link. */
  refuse(error: unknown, otherwise: number): void {
    const wire = toWireError(error);
    if (!(error instanceof HubError)) this.#options.context.onError(error, { stage: "connection" });
    this.#sendFault(wire);
    const codes: Readonly<Record<string, number>> = {
      UNAUTHENTICATED: CLOSE_CODES.UNAUTHENTICATED,
      FORBIDDEN: CLOSE_CODES.FORBIDDEN,
      RATE_LIMITED: CLOSE_CODES.CONNECTION_LIMIT,
    };
    this.close(Object.hasOwn(codes, wire.code) ? codes[wire.code]! : otherwise, wire.message);
  }

  /** Sends an error; one whose data cannot travel is reported, and goes without it. */
  #sendFault(wire: WireError): void {
    const { codec } = this.#turn;
    let encoded: Encoded;
    try {
      encoded = codec.encode(["fault", wire]);
    } catch (error) {
      this.#options.context.onError(error, { stage: "connection" });
      encoded = codec.encode(["fault", { code: wire.code, message: wire.message }]);
    }
    this.#link.send(codec.join([encoded]));
  }

  /** Closes the link. */
  close(code: number, reason: string): void {
    this.#link.close(code, reason);
  }

  /** It is over: the client is welcome, or its link is gone. */
  end(): void {
    this.#cancelDeadline();
    this.#authenticating?.abort(new HubError("DISCONNECTED", "The client is gone"));
  }

  #hello(frame: Encoded): void {
    this.#saidHello = true;
    try {
      const messages = this.#turn.codec.decode(frame);
      const message = messages.length === 1 ? asClientMessage(messages[0]) : undefined;
      if (!Array.isArray(message) || message[0] !== "hello") {
        throw new HubError("BAD_REQUEST", "The first frame must be a hello, alone");
      }
      this.#onHello(message[1]);
    } catch (error) {
      this.refuse(error, CLOSE_CODES.PROTOCOL_ERROR);
    }
  }
}
