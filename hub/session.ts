/**
 * One link, from the first byte to the last: hello, authentication, welcome, then whatever the client says.
 *
 * @module
 */

import {
  asClientMessage,
  CLOSE_CODES,
  type Encoded,
  type Hello,
  HubError,
  toWireError,
} from "../contract/mod.ts";
import type { Link, LinkEvents, LinkRequest } from "../transports/transport.ts";
import { roleChannel, userChannel } from "./channels.ts";
import { Connection, type ConnectionRules } from "./connection.ts";
import { userGroup } from "./events.ts";
import { Inbox } from "./inbox.ts";
import type { DisconnectReason } from "./options.ts";
import { Outbox, type OutboxRules } from "./outbox.ts";
import { Outgoing } from "./outgoing.ts";
import type { SessionContext } from "./session_context.ts";
import type { Turn } from "./turn.ts";

/** Where sessions come from and go to. */
export interface SessionHost {
  /** What all sessions of a hub share. */
  readonly context: SessionContext;
  /** How all outboxes hold. */
  readonly outbox: OutboxRules;
  /** How all connections ask. */
  readonly connection: ConnectionRules;
  /** The connections of this node, by id. */
  readonly connections: Map<string, Session>;
  /** Called once per session, when its link is gone. */
  gone(session: Session): void;
}

/** A link and what has become of it. */
export class Session implements LinkEvents {
  /** The address that counts. */
  readonly address: string | undefined;
  readonly #host: SessionHost;
  readonly #link: Link;
  readonly #turn: Turn;
  /** What is known of the client, until it is authenticated: a request is large, connections are many. */
  #request: Request | undefined;
  #aborter: AbortController | undefined;
  #cancelDeadline: (() => void) | undefined;
  #conn: Connection | undefined;
  #inbox: Inbox | undefined;
  #saidHello = false;
  #enrolled = false;
  #announced = false;
  #closed = false;
  #heard = false;
  #silentBeats = 0;

  /**
   * @param host Where it comes from.
   * @param link The server's end of the link.
   * @param request What is known of the client, with the address that counts.
   * @param turn The turn of this link's transport and codec.
   */
  constructor(host: SessionHost, link: Link, { request, address }: LinkRequest, turn: Turn) {
    this.address = address;
    this.#host = host;
    this.#link = link;
    this.#request = request;
    this.#turn = turn;
    const { options, limits: { handshakeTimeoutMs } } = host.context;
    this.#cancelDeadline = options.clock.after(handshakeTimeoutMs, () => {
      link.close(CLOSE_CODES.HANDSHAKE_TIMEOUT, `Not authenticated within ${handshakeTimeoutMs} ms`);
    });
  }

  /** The connection, once there is one. */
  get conn(): Connection | undefined {
    return this.#conn;
  }

  /** How many subscriptions it has. */
  get subscriptions(): number {
    return this.#inbox?.subscriptions ?? 0;
  }

  /** Whether it subscribes to a topic, and is live. */
  subscribesTo(topic: string): boolean {
    return this.#inbox?.subscribesTo(topic) === true;
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
    this.#cancelDeadline?.();
    this.#aborter?.abort(new HubError("DISCONNECTED", "The client is gone"));
    if (this.#conn) this.#end(this.#conn, { code, reason });
    this.#host.gone(this);
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
    const { limits } = this.#host.context;
    if (frame.length > limits.maxFrameBytes) {
      return this.#link.close(
        CLOSE_CODES.FRAME_TOO_LARGE,
        `A frame may have ${limits.maxFrameBytes} bytes at the most`,
      );
    }
    this.#saidHello = true;
    try {
      const messages = this.#turn.codec.decode(frame);
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
    const { options } = this.#host.context;
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
    const { context, connection, outbox } = this.#host;
    const { contract, options } = context;
    const { address } = this;
    const request = this.#request!;
    this.#request = undefined;
    const surface = contract.roles.get(role);
    if (!surface) throw new HubError("FORBIDDEN", `There is no role "${role.slice(0, 64)}"`);
    this.#aborter = new AbortController();
    const handshake = { role, token, request, address, signal: this.#aborter.signal };
    const { role: given, user, ctx } = await options.authenticate(handshake);
    this.#aborter = undefined;
    if (given !== role) throw new HubError("FORBIDDEN", `Not allowed to connect as "${role}"`);
    const identity = { id: context.nextId(), role, surface, user, ctx, address };
    return new Connection(identity, this.#link, new Outbox(this.#link, this.#turn, outbox), connection);
  }

  /** Makes the connection known, within the limit of its user. */
  #admit(conn: Connection): void {
    const { context, connections } = this.#host;
    if (!context.users.enter(conn.user?.id)) {
      throw new HubError("RATE_LIMITED", "Too many connections of this user");
    }
    this.#conn = conn;
    connections.set(conn.id, this);
  }

  /** Puts it among the connections of its role and its user. */
  async #enrol(conn: Connection): Promise<void> {
    const { registry, options } = this.#host.context;
    this.#enrolled = true;
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
    const { context } = this.#host;
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
    this.#inbox = new Inbox(conn, this.#turn.codec, context);
    const { nodeId: node, heartbeatMs, limits: { maxFrameBytes } } = context;
    conn.outbox.uncork(new Outgoing(["welcome", { connection: conn.id, node, heartbeatMs, maxFrameBytes }]));
  }

  /** Tells the client why, and closes. */
  #refuse(error: unknown, otherwise: number): void {
    const wire = toWireError(error);
    if (!(error instanceof HubError)) this.#host.context.onError(error, { stage: "connection" });
    try {
      const { codec } = this.#turn;
      this.#link.send(codec.join([codec.encode(["fault", wire])]));
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
    const { context: { users, registry, options, onError }, connections } = this.#host;
    connections.delete(conn.id);
    users.leave(conn.user?.id);
    conn.end(reason);
    this.#inbox?.close();
    registry.leaveAll(conn);
    if (this.#enrolled) {
      registry.quit(roleChannel(conn.role), conn);
      if (conn.user) registry.quit(userGroup(conn.user.id), conn);
    }
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
