/**
 * Makes a connection of a new link: it reads the hello and authenticates the client, within a time. The hub drops
 * this object after the handshake, because there are many connections.
 *
 * @module
 */

import {
  asClientMessage,
  CLOSE_CODES,
  type Encoded,
  exceedsUtf8,
  HubError,
  isHubError,
  type Surface,
  type WireError,
} from "../../contract/mod.ts";
import { MAX_HELLO_BYTES } from "../../contract/wire/hello_size.ts";
import type { Link, LinkRequest } from "../../transports/transport.ts";
import { Abortable } from "../connection/abortable.ts";
import { isForClient, isOutage, toClientError } from "../connection/own_errors.ts";
import { Connection, type ConnectionRules } from "../connection/connection.ts";
import { readRoomPast } from "../connection/room_past.ts";
import { Outbox } from "../outbox/outbox.ts";
import type { OutboxRules } from "../outbox/outbox_rules.ts";
import type { RefusalReason } from "../api/refusals.ts";
import { BusyError } from "./admission/authentications.ts";
import { type Identified, identify } from "./admission/identify.ts";
import { type KeptHello, readHello } from "./admission/hello.ts";
import { internalError } from "./send_error.ts";
import { readJoined } from "./rooms/rejoining.ts";
import type { Turn as AdmissionTurn } from "./admission/turn.ts";
import { cutName } from "./limits.ts";
import type { SessionContext } from "./session_context.ts";
import type { Turn } from "../outbox/turn.ts";

/** Options of {@linkcode Handshake}. */
export interface HandshakeOptions {
  /** The shared context of all sessions of a hub. */
  readonly context: SessionContext;
  /** The rules of all outboxes. */
  readonly outbox: OutboxRules;
  /** The rules of all connections. */
  readonly connection: ConnectionRules;
}

const NOT_JOINED: ReadonlySet<string> = new Set();

/** The hub refuses a role. */
class RoleError extends HubError {
  constructor(message: string, options?: { readonly cause: unknown }) {
    super("FORBIDDEN", message, options);
  }
}

/** A user has too many connections. */
export class UserLimitError extends HubError {
  /** @param max The limit. */
  constructor(max: number) {
    super("RATE_LIMITED", "Too many connections of this user", {
      cause: `limits.maxConnectionsPerUser is ${max}`,
    });
  }
}

/** What begins when a client has sent its hello. */
export interface Greeted {
  /**
   * Called once. It must not throw.
   *
   * @param hello The hello.
   * @param joined The rooms that the client says it was in.
   */
  begin(hello: KeptHello, joined: ReadonlySet<string>): void;
}

/** The handshake of one link. */
export class Handshake {
  /** The client's address for the limits. */
  readonly address: string | undefined;
  readonly #options: HandshakeOptions;
  readonly #link: Link;
  readonly #turn: Turn;
  readonly #request: LinkRequest;
  readonly #greeted: Greeted;
  readonly #openedAt: number;
  readonly #cancelDeadline: () => void;
  #authenticating: Abortable | undefined;
  #turnToEnter: AdmissionTurn | undefined;
  #saidHello = false;
  #over = false;

  /**
   * @param options Its options.
   * @param link The server's end of the link.
   * @param request The request that opened the link.
   * @param address The client's address for the limits.
   * @param turn The turn of this link's transport and codec.
   * @param greeted Told when the client has sent its hello.
   */
  constructor(
    options: HandshakeOptions,
    link: Link,
    request: LinkRequest,
    address: string | undefined,
    turn: Turn,
    greeted: Greeted,
  ) {
    this.address = address;
    this.#options = options;
    this.#link = link;
    this.#request = request;
    this.#turn = turn;
    this.#greeted = greeted;
    const { options: { clock }, limits: { handshakeTimeoutMs } } = options.context;
    this.#openedAt = clock.now();
    this.#cancelDeadline = clock.after(handshakeTimeoutMs, () => {
      const doing = this.#saidHello ? "authenticate or onConnection has not answered" : "it sent no hello";
      const message = `Refused a client after ${handshakeTimeoutMs} ms (limits.handshakeTimeoutMs): ${doing}`;
      options.context.refusals.add({ reason: "handshake-timeout", message });
      link.close(CLOSE_CODES.HANDSHAKE_TIMEOUT, `Not authenticated within ${handshakeTimeoutMs} ms`);
    }, { background: true });
  }

  /** How much time is left for the handshake, in milliseconds. */
  get leftMs(): number {
    const { options: { clock }, limits: { handshakeTimeoutMs } } = this.#options.context;
    return Math.max(0, this.#openedAt + handshakeTimeoutMs - clock.now());
  }

  /** Takes a frame of the client. Does not throw. */
  receive(frame: Encoded): void {
    const { limits, refusals } = this.#options.context;
    const maxBytes = Math.min(limits.maxFrameBytes, MAX_HELLO_BYTES);
    if (this.#saidHello) {
      const reason = "The client must send nothing between hello and welcome";
      refusals.add({ reason: "protocol", message: `Refused a client: ${reason}` });
      this.shut(CLOSE_CODES.PROTOCOL_ERROR, reason);
    } else if (exceedsUtf8(frame, maxBytes)) {
      const reason = `A hello may have at most ${maxBytes} bytes`;
      refusals.add({ reason: "frame-size", message: `Refused a client: ${reason}` });
      this.shut(CLOSE_CODES.FRAME_TOO_LARGE, reason);
    } else this.#hello(frame);
  }

  /**
   * Asks the application who the client is, when it is this client's turn.
   *
   * @param hello The client's hello.
   * @returns The connection; a promise of it only if its turn has not come, or the application gave a promise.
   * @throws {HubError} `FORBIDDEN`, {@linkcode BusyError}, `DISCONNECTED` when the client has gone meanwhile, or the error
   * with which the application refuses the client.
   */
  authenticate(hello: KeptHello): Connection | Promise<Connection> {
    const { contract, authentications } = this.#options.context;
    const surface = contract.roles.get(hello.role);
    if (!surface) throw new RoleError(`There is no role "${cutName(hello.role)}"`);
    const turn = this.#turnToEnter = authentications.enter(this.#openedAt);
    return turn.come?.then(() => this.#identify(hello, surface, turn)) ??
      this.#identify(hello, surface, turn);
  }

  #identify(hello: KeptHello, surface: Surface, turn: AdmissionTurn): Connection | Promise<Connection> {
    try {
      if (this.#over) throw gone(); // after its turn came, and before this
      const identified = this.#ask(hello);
      if (identified instanceof Promise) return this.#connectLater(hello, surface, turn, identified);
      turn.done();
      return this.#connect(hello, surface, identified);
    } catch (error) {
      turn.done();
      this.#authenticating = undefined;
      throw error;
    }
  }

  async #connectLater(
    hello: KeptHello,
    surface: Surface,
    turn: AdmissionTurn,
    identified: Promise<Identified>,
  ): Promise<Connection> {
    try {
      return this.#connect(hello, surface, await identified);
    } finally {
      turn.done();
      this.#authenticating = undefined;
    }
  }

  /** Calls `authenticate`. */
  #ask({ role, token }: KeptHello): Identified | Promise<Identified> {
    const opened = this.#request;
    const authenticating = this.#authenticating = new Abortable();
    const identified = identify(this.#options.context.options.authenticate, {
      role,
      token,
      get request() {
        return opened.request; // few applications read it, and on Deno it is made then
      },
      address: this.address,
      get signal() {
        return authenticating.signal;
      },
    });
    if (!(identified instanceof Promise)) this.#authenticating = undefined;
    return identified;
  }

  #connect(hello: KeptHello, surface: Surface, { role, user, userId, ctx }: Identified): Connection {
    const { context: { contract, options, nextId }, connection, outbox } = this.#options;
    if (role !== hello.role) {
      throw new RoleError(`Not allowed to connect as "${hello.role}"`, {
        cause: `authenticate answered the role "${role}"`,
      });
    }
    const identity = {
      id: nextId(),
      surface,
      user,
      userId,
      ctx,
      address: this.address,
      past: readRoomPast(contract, hello),
      rejoins: hello.joined !== undefined && options.rejoin !== undefined,
    };
    return new Connection(identity, new Outbox(this.#link, this.#turn, outbox), connection);
  }

  /** Tells the client why it cannot connect, and closes the link. */
  refuse(error: unknown, otherwise: number): void {
    const { refusals, onError } = this.#options.context;
    const wire = toClientError(error, internalError());
    const reason = reasonOf(error, otherwise);
    // The hub's own refusals say everything in the message. A second error with a stack would look like a fault.
    const cause = isOwn(error) ? undefined : error;
    refusals.add({ reason, message: `Refused a client: ${describe(error, wire)}`, cause });
    if (reason === "failed") onError(error, { stage: "connection" });
    this.#sendFault(wire);
    const codes: Readonly<Record<string, number>> = {
      UNAUTHENTICATED: CLOSE_CODES.UNAUTHENTICATED,
      FORBIDDEN: CLOSE_CODES.FORBIDDEN,
      RATE_LIMITED: CLOSE_CODES.CONNECTION_LIMIT,
    };
    const code = Object.hasOwn(codes, wire.code) ? codes[wire.code]! : otherwise;
    this.shut(reason === "busy" ? CLOSE_CODES.CONNECTION_LIMIT : code, wire.message);
  }

  /** Sends an error. If its data cannot be encoded, reports that and sends the error without it. */
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
  shut(code: number, reason: string): void {
    this.#link.close(code, reason);
  }

  /** Ends the handshake: the hub welcomes the client, or the link is gone. */
  end(): void {
    this.#over = true;
    this.#cancelDeadline();
    this.#turnToEnter?.gone();
    this.#authenticating?.abort(gone());
  }

  #hello(frame: Encoded): void {
    this.#saidHello = true;
    try {
      const messages = this.#turn.codec.decode(frame);
      const message = messages.length === 1 ? asClientMessage(messages[0]) : undefined;
      if (!Array.isArray(message) || message[0] !== "hello") {
        throw new HubError("BAD_REQUEST", "The first frame must be a hello, alone");
      }
      const hello = readHello(message[1]);
      this.#greeted.begin(hello, hello.joined ? readJoined(hello.joined) : NOT_JOINED);
    } catch (error) {
      this.refuse(error, CLOSE_CODES.PROTOCOL_ERROR);
    }
  }
}

function gone(): HubError {
  return new HubError("DISCONNECTED", "The client is gone");
}

function reasonOf(error: unknown, otherwise: number): RefusalReason {
  if (!isHubError(error) || !(isForClient(error) || isOutage(error))) return "failed";
  if (error instanceof RoleError) return "role";
  if (error instanceof UserLimitError) return "user";
  if (error instanceof BusyError) return "busy";
  if (otherwise === CLOSE_CODES.PROTOCOL_ERROR) return "protocol";
  if (error.code === "UNAUTHENTICATED") return "unauthenticated";
  return error.code === "FORBIDDEN" ? "forbidden" : "application";
}

/** Whether the hub refuses, and not the application. */
function isOwn(error: unknown): error is HubError {
  // `isHubError` first: an application may throw a proxy that throws when it is read.
  return isHubError(error) &&
    (error instanceof RoleError || error instanceof UserLimitError || error instanceof BusyError);
}

/** Tells what happened, and which values were compared. */
function describe(error: unknown, { code, message }: WireError): string {
  return `${message} (${isOwn(error) && typeof error.cause === "string" ? error.cause : code})`;
}
