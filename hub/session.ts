/**
 * One link, from the first byte to the last: hello, authentication, welcome, then whatever the client says.
 *
 * @module
 */

import {
  asClientMessage,
  CLOSE_CODES,
  type Codec,
  type Contract,
  type Encoded,
  type Hello,
  HubError,
  toWireError,
} from "../contract/mod.ts";
import type { Link, LinkEvents, LinkRequest } from "../transports/transport.ts";
import { Connection } from "./connection.ts";
import { userGroup } from "./events.ts";
import { roleChannel, userChannel } from "./channels.ts";
import type { HandlerTable } from "./handlers.ts";
import { Inbox } from "./inbox.ts";
import { type KeyedLimit, type Limits, RateLimiter } from "./limits.ts";
import type { AnyHubOptions, DisconnectReason, HubErrorInfo } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { Outgoing } from "./outgoing.ts";
import type { Registry } from "./registry.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { Topic, Topics } from "./topics.ts";
import type { Turn } from "./turn.ts";

/** What all sessions of a hub share. */
export interface SessionContext {
  /** The contract. */
  readonly contract: Contract;
  /** What the application gave. */
  readonly options: AnyHubOptions & { readonly clock: NonNullable<AnyHubOptions["clock"]> };
  /** The bounds. */
  readonly limits: Limits;
  /** The identity of this node. */
  readonly nodeId: string;
  /** The heartbeat, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long a client may take to answer, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** What is done with requests and signals. */
  readonly handlers: HandlerTable;
  /** The topics. */
  readonly topics: Topics;
  /** Who is in what. */
  readonly registry: Registry;
  /** How many connections a user has. */
  readonly users: KeyedLimit;
  /** The connections of this node, by id. */
  readonly connections: Map<string, Session>;
  /** An id for a new connection. */
  nextId(): string;
  /** Told of what nobody else is told of. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A link and what has become of it. */
export class Session implements LinkEvents {
  readonly #context: SessionContext;
  readonly #link: Link;
  /** What is known of the client, until it is authenticated: a request is large, connections are many. */
  #request: LinkRequest | undefined;
  readonly #codec: Codec;
  readonly #turn: Turn;
  readonly #leave: () => void;
  #aborter: AbortController | undefined;
  readonly #cancelDeadline: () => void;
  #conn: Connection | undefined;
  #inbox: Inbox | undefined;
  #subscriptions: Subscriptions | undefined;
  #forgetUser = () => {};
  #saidHello = false;
  #announced = false;
  #closed = false;
  #heard = false;
  #silentBeats = 0;

  /**
   * @param context What all sessions share.
   * @param link The server's end of the link.
   * @param request What is known of the client, with the address that counts.
   * @param turn The turn of this link's transport and codec.
   * @param leave Called once, when the link is gone.
   */
  constructor(context: SessionContext, link: Link, request: LinkRequest, turn: Turn, leave: () => void) {
    this.#context = context;
    this.#link = link;
    this.#request = request;
    this.#codec = turn.codec;
    this.#turn = turn;
    this.#leave = leave;
    const { handshakeTimeoutMs } = context.limits;
    this.#cancelDeadline = context.options.clock.after(handshakeTimeoutMs, () => {
      link.close(CLOSE_CODES.HANDSHAKE_TIMEOUT, `Not authenticated within ${handshakeTimeoutMs} ms`);
    });
  }

  /** The connection, once there is one. */
  get conn(): Connection | undefined {
    return this.#conn;
  }

  /** How many subscriptions it has. */
  get subscriptions(): number {
    return this.#subscriptions?.size ?? 0;
  }

  /** Whether it subscribes to a topic, and is live. */
  subscribesTo(topic: string): boolean {
    return this.#subscriptions?.isLive(topic) === true;
  }

  /** How many of its requests and signals are being handled. */
  get handling(): number {
    return this.#inbox?.size ?? 0;
  }

  message(frame: Encoded): void {
    if (this.#closed) return;
    this.#heard = true;
    if (this.#inbox) this.#inbox.receive(frame);
    else if (!this.#saidHello) this.#hello(frame);
    else this.#link.close(CLOSE_CODES.PROTOCOL_ERROR, "Nothing may be said between hello and welcome");
  }

  drain(): void {
    this.#conn?.outbox.drained();
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelDeadline();
    this.#aborter?.abort(new HubError("DISCONNECTED", "The client is gone"));
    this.#forgetUser();
    if (this.#conn) this.#end(this.#conn, { code, reason });
    this.#leave();
  }

  /**
   * Half a heartbeat has passed: pings a client that was not sent anything or has not been heard of, and closes on one
   * that was not heard of for two heartbeats.
   */
  beat(): void {
    const outbox = this.#conn?.outbox;
    if (!outbox || !this.#inbox) return;
    this.#silentBeats = this.#heard ? 0 : this.#silentBeats + 1;
    if (this.#silentBeats >= 4) {
      return this.#link.close(
        CLOSE_CODES.HEARTBEAT_TIMEOUT,
        "Nothing was heard of the client for two heartbeats",
      );
    }
    if (!this.#heard || !outbox.active) outbox.push(PING);
    this.#heard = false;
    outbox.active = false;
  }

  /** Asks the client to go elsewhere within a time. */
  move(withinMs: number): void {
    this.#conn?.outbox.push(new Outgoing(["move", withinMs]));
  }

  /** Closes the link. */
  shut(code: number, reason: string): void {
    if (this.#conn) this.#conn.close(code, reason);
    else this.#link.close(code, reason);
  }

  #hello(frame: Encoded): void {
    const { limits } = this.#context;
    if (frame.length > limits.maxFrameBytes) {
      return this.#link.close(
        CLOSE_CODES.FRAME_TOO_LARGE,
        `A frame may have ${limits.maxFrameBytes} bytes at the most`,
      );
    }
    this.#saidHello = true;
    try {
      const messages = this.#codec.decode(frame);
      const message = messages.length === 1 ? asClientMessage(messages[0]) : undefined;
      if (message?.[0] !== "hello") {
        throw new HubError("BAD_REQUEST", "The first frame must be a hello, alone");
      }
      void this.#open(message[1]);
    } catch (error) {
      this.#refuse(error, CLOSE_CODES.PROTOCOL_ERROR);
    }
  }

  async #open(hello: Hello): Promise<void> {
    const { options } = this.#context;
    try {
      const conn = await this.#authenticate(hello);
      if (this.#closed) return;
      this.#admit(conn);
      await this.#enrol(conn);
      if (this.#closed) return;
      this.#announced = true;
      await options.onConnection?.(conn as never);
      if (this.#closed || conn.closed) return;
      this.#welcome(conn);
    } catch (error) {
      if (!this.#closed) this.#refuse(error, CLOSE_CODES.INTERNAL);
    }
  }

  async #authenticate({ role, token }: Hello): Promise<Connection> {
    const { contract, options, limits, requestTimeoutMs } = this.#context;
    const { request, address } = this.#request!;
    this.#request = undefined;
    const surface = contract.roles.get(role);
    if (!surface) throw new HubError("FORBIDDEN", `There is no role "${role.slice(0, 64)}"`);
    this.#aborter = new AbortController();
    const handshake = { role, token, request, address, signal: this.#aborter.signal };
    const { role: given, user, ctx } = await options.authenticate(handshake);
    this.#aborter = undefined;
    if (given !== role) throw new HubError("FORBIDDEN", `Not allowed to connect as "${role}"`);
    const link = this.#link;
    return new Connection({
      id: this.#context.nextId(),
      role,
      surface,
      user,
      ctx,
      address,
      link,
      clock: options.clock,
      requestTimeoutMs,
      maxPendingRequests: limits.maxPendingRequests,
      outbox: new Outbox(link, this.#turn, limits.outbox, options.clock, () => {
        link.close(CLOSE_CODES.SLOW_CONSUMER, "The client does not read as fast as it is sent to");
      }),
    });
  }

  /** Makes the connection known, within the limit of its user. */
  #admit(conn: Connection): void {
    const { users, connections } = this.#context;
    const forget = users.enter(conn.user?.id);
    if (!forget) throw new HubError("RATE_LIMITED", "Too many connections of this user");
    this.#forgetUser = forget;
    this.#conn = conn;
    connections.set(conn.id, this);
  }

  /** Puts it among the connections of its role and its user. */
  async #enrol(conn: Connection): Promise<void> {
    const { registry, options } = this.#context;
    const role = roleChannel(conn.role);
    const enrolled = [registry.enrol(role, role, conn)];
    if (conn.user) enrolled.push(registry.enrol(userGroup(conn.user.id), userChannel(conn.user.id), conn));
    // A backplane that hangs must not lock clients out: what it does not carry yet comes when it does.
    const { promise: waitedLongEnough, resolve } = Promise.withResolvers<void>();
    const stop = options.clock.after(ENROL_WAIT_MS, resolve);
    await Promise.race([Promise.all(enrolled), waitedLongEnough]);
    stop();
  }

  #welcome(conn: Connection): void {
    const { options, limits, handlers, registry, topics, nodeId, heartbeatMs, onError } = this.#context;
    this.#cancelDeadline();
    this.#subscriptions = new Subscriptions({
      conn,
      topics,
      registry,
      max: limits.maxSubscriptions,
      authorize: (topic) => this.#authorize(topic, conn),
      onError,
    });
    this.#inbox = new Inbox({
      conn,
      codec: this.#codec,
      handlers,
      subscriptions: this.#subscriptions,
      rate: new RateLimiter(options.clock, limits.messagesPerSecond, limits.messageBurst),
      limits,
      onError,
    });
    const { maxFrameBytes } = limits;
    conn.outbox.uncork(
      new Outgoing(["welcome", { connection: conn.id, node: nodeId, heartbeatMs, maxFrameBytes }]),
    );
  }

  #authorize({ name: topic, params, entry }: Topic, conn: Connection): boolean | Promise<boolean> {
    const authorize = this.#context.options.authorize as
      | Readonly<Record<string, ((asked: unknown) => boolean | Promise<boolean>) | undefined>>
      | undefined;
    const decide = authorize && Object.hasOwn(authorize, entry.pattern)
      ? authorize[entry.pattern]
      : undefined;
    return decide ? decide({ params, topic, conn }) : true;
  }

  /** Tells the client why, and closes. */
  #refuse(error: unknown, otherwise: number): void {
    const wire = toWireError(error);
    if (!(error instanceof HubError)) this.#context.onError(error, { stage: "connection" });
    try {
      this.#link.send(this.#codec.join([this.#codec.encode(["fault", wire])]));
    } catch {
      // its data cannot be encoded; the close code and reason tell enough
    }
    const codes: Readonly<Record<string, number>> = {
      UNAUTHENTICATED: CLOSE_CODES.UNAUTHENTICATED,
      FORBIDDEN: CLOSE_CODES.FORBIDDEN,
      RATE_LIMITED: CLOSE_CODES.CONNECTION_LIMIT,
    };
    this.#link.close(Object.hasOwn(codes, wire.code) ? codes[wire.code]! : otherwise, wire.message);
  }

  #end(conn: Connection, reason: DisconnectReason): void {
    const { connections, registry, options, onError } = this.#context;
    connections.delete(conn.id);
    conn.end(reason);
    this.#inbox?.close();
    this.#subscriptions?.close();
    registry.leaveAll(conn);
    if (!this.#announced) return;
    const failed = (error: unknown) => onError(error, { stage: "connection", connectionId: conn.id });
    try {
      Promise.resolve(options.onDisconnect?.(conn as never, reason)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** How long a client waits at the most until other nodes can address its role and user, in milliseconds. */
const ENROL_WAIT_MS = 1_000;

const PING = new Outgoing(["ping"]);
