/**
 * One link from start to end: the handshake, the welcome, and then the messages of the client.
 *
 * @module
 */

import {
  callSafely,
  CLOSE_CODES,
  type Encoded,
  HubError,
  promiseOf,
  type TopicMark,
} from "../../contract/mod.ts";
import type { Link, LinkRequest, ServerLinkEvents } from "../../transports/transport.ts";
import { roleChannel, userChannel, userGroup } from "../backplane/channels.ts";
import type { Connection } from "../connection/connection.ts";
import { fold, type KeptHello, topicsOf } from "./admission/hello.ts";
import type { Welcomes } from "./admission/welcomes.ts";
import { type Greeted, Handshake, type HandshakeOptions, UserLimitError } from "./handshake.ts";
import type { Rule } from "./authorizing.ts";
import { Inbox } from "./inbox.ts";
import { Rejoining } from "./rooms/rejoining.ts";
import type { DisconnectReason } from "../api/options.ts";
import type { Refusal } from "./admission/refusals.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { Turn } from "../outbox/turn.ts";

/** The owner of the sessions. */
export interface SessionHost extends HandshakeOptions {
  /** Makes the first message to each client. */
  readonly welcomes: Welcomes;
  /** Called when a session got its connection. */
  admitted(session: Session, conn: Connection): void;
  /** Called once per session, when its link is gone. */
  gone(session: Session): void;
  /** Called once per session, when its socket is free; after `gone`. */
  freed(session: Session): void;
}

/**
 * The state of a session: whether other nodes can address it, whether the application knows it, whether it is closed.
 */
type Stage = "new" | "enrolled" | "announced" | "closed";

/** A link and its connection. */
export class Session implements ServerLinkEvents, Greeted {
  readonly #host: SessionHost;
  /** Set until the hub welcomes the client. */
  #handshake: Handshake | undefined;
  #stage: Stage = "new";
  #conn: Connection | undefined;
  #inbox: Inbox | undefined;
  /** See `Beating`. */
  part = -1;
  place = -1;
  /** How many beats have passed since the client last sent something. */
  #silentBeats = 0;

  /**
   * @param host The owner of the session.
   * @param link The server's end of the link.
   * @param request The request that opened the link.
   * @param address The client's address for the limits.
   * @param turn The turn of this link's transport and codec.
   */
  constructor(
    host: SessionHost,
    link: Link,
    request: LinkRequest,
    address: string | undefined,
    turn: Turn,
  ) {
    this.#host = host;
    this.#handshake = new Handshake(host, link, request, address, turn, this);
  }

  /** See `Greeted`. */
  begin(hello: KeptHello, joined: ReadonlySet<string>): void {
    void this.#open(hello, joined);
  }

  /** The client's address for the limits. */
  get address(): string | undefined {
    return (this.#conn ?? this.#handshake)?.address;
  }

  /** The connection, when there is one. */
  get conn(): Connection | undefined {
    return this.#conn;
  }

  /** How many subscriptions it has. */
  get subscriptions(): number {
    return this.#inbox?.subscriptions ?? 0;
  }

  /** Whether it has a live subscription to a topic. */
  subscribesTo(topic: string): boolean {
    return this.#inbox?.subscribesTo(topic) === true;
  }

  /** Its connection has left a room or topic. */
  left(channel: string): void {
    this.#inbox?.left(channel);
  }

  /** How many of its requests and signals are being handled. */
  get handling(): number {
    return this.#inbox?.size ?? 0;
  }

  message(frame: Encoded): void {
    if (this.#closed) return;
    this.#silentBeats = 0;
    if (this.#inbox) this.#inbox.receive(frame);
    else this.#handshake?.receive(frame);
  }

  drain(): void {
    this.#conn?.outbox.drained();
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    const stage = this.#stage;
    this.#stage = "closed";
    if (code === MESSAGE_TOO_BIG) {
      this.#host.context.refusals.add(tooBig(this.#host.context.limits.maxFrameBytes));
    }
    this.#handshake?.end();
    this.#host.gone(this);
    if (this.#conn) this.#end(this.#conn, stage, { code, reason });
  }

  freed(): void {
    this.#host.freed(this);
  }

  /**
   * Call it every half heartbeat. It pings the client when the hub sent nothing since the last beat, or the client
   * sent nothing. It closes the connection when the client has sent nothing for two heartbeats.
   */
  beat(): void {
    const outbox = this.#conn?.outbox;
    if (!outbox || !this.#inbox) return;
    if (this.#silentBeats >= 4) {
      return outbox.shut(
        CLOSE_CODES.HEARTBEAT_TIMEOUT,
        "The client has sent nothing for two heartbeats",
      );
    }
    if (this.#silentBeats > 0 || !outbox.active) outbox.push(PING);
    this.#silentBeats++;
    outbox.active = false;
  }

  /** Asks the client to move to another node within this time. */
  move(withinMs: number): void {
    this.#conn?.outbox.push(new OutgoingMessage(["move", withinMs]));
  }

  /** Closes the link. */
  shut(code: number, reason: string): void {
    (this.#conn ?? this.#handshake)?.shut(code, reason);
  }

  get #closed(): boolean {
    return this.#stage === "closed";
  }

  async #open(hello: KeptHello, joined: ReadonlySet<string>): Promise<void> {
    const handshake = this.#handshake!;
    try {
      const authenticated = handshake.authenticate(hello);
      // An `await` costs some turns of the engine's queue: it waits only for what takes time.
      const conn = authenticated instanceof Promise ? await patiently(hello, authenticated) : authenticated;
      if (this.#closed) return;
      this.#admit(conn);
      const enrolled = this.#enrol(conn);
      if (enrolled) await patiently(hello, enrolled);
      if (this.#closed) return;
      this.#stage = "announced";
      const given: unknown = this.#host.context.options.onConnection?.(conn as never);
      const later = promiseOf(given);
      if ((later ? await patiently(hello, later) : given) === false) {
        throw new HubError("FORBIDDEN", "Not allowed to connect");
      }
      if (this.#closed || conn.closed) return;
      if (conn.rejoins && joined.size > 0) {
        await patiently(hello, this.#rejoin(conn, joined, handshake.leftMs / 2));
      }
      if (this.#closed || conn.closed) return;
      this.#welcome(conn, topicsOf(hello));
    } catch (error) {
      if (!this.#closed) handshake.refuse(error, CLOSE_CODES.INTERNAL);
    }
  }

  /** Registers the connection, within the connection limit of its user. */
  #admit(conn: Connection): void {
    const { context } = this.#host;
    if (!context.users.enter(conn.userId)) {
      throw new UserLimitError(context.limits.maxConnectionsPerUser);
    }
    this.#conn = conn;
    this.#host.admitted(this, conn);
  }

  /** Adds it to the connections of its role and its user. */
  #enrol(conn: Connection): Promise<void> | undefined {
    const { registry } = this.#host.context;
    this.#stage = "enrolled";
    const role = roleChannel(conn.role);
    const { userId } = conn;
    const byRole = registry.enrol(role, role, conn);
    const byUser = userId === undefined
      ? undefined
      : registry.enrol(userGroup(userId), userChannel(userId), conn);
    return byRole || byUser ? this.#wait([byRole, byUser]) : undefined;
  }

  async #wait(enrolled: readonly (Promise<void> | undefined)[]): Promise<void> {
    const { options } = this.#host.context;
    // A hanging backplane must not lock clients out: messages of other nodes come when it works again.
    const { promise: waitedLongEnough, resolve } = Promise.withResolvers<void>();
    const stop = options.clock.after(ENROL_WAIT_MS, resolve);
    await Promise.race([Promise.all(enrolled), waitedLongEnough]);
    stop();
  }

  /** Puts it into its rooms again. The welcome waits for that, but not longer than `waitMs`. */
  async #rejoin(conn: Connection, joined: ReadonlySet<string>, waitMs: number): Promise<void> {
    const { context } = this.#host;
    const rejoining = conn.rejoining = new Rejoining(conn, context, context.options.rejoin as Rule);
    await rejoining.start(joined, waitMs);
    if (rejoining.idle) conn.rejoining = undefined;
  }

  #welcome(conn: Connection, early: readonly TopicMark[] | undefined): void {
    const { context, welcomes } = this.#host;
    this.#handshake?.end();
    this.#handshake = undefined;
    const inbox = this.#inbox = new Inbox(conn, context);
    conn.outbox.uncork(welcomes.of(conn, early !== undefined), early !== undefined);
    if (early) inbox.subscribe(early);
  }

  #end(conn: Connection, stage: Stage, reason: DisconnectReason): void {
    const { users, registry, options, onError } = this.#host.context;
    users.leave(conn.userId);
    conn.end(reason);
    this.#inbox?.close();
    conn.rejoining?.close();
    registry.leaveAll(conn);
    if (stage !== "new") {
      registry.quit(roleChannel(conn.role), conn);
      if (conn.userId !== undefined) registry.quit(userGroup(conn.userId), conn);
    }
    if (stage !== "announced") return;
    const failed = (error: unknown) => onError(error, { stage: "connection", connectionId: conn.id });
    callSafely(() => options.onDisconnect?.(conn as never, reason), failed);
  }
}

/** How long a client waits at most until other nodes can address its role and user, in milliseconds. */
const ENROL_WAIT_MS = 1_000;

/** Makes a hello small, because it is kept while the promise is pending. */
function patiently<T>(hello: KeptHello, later: Promise<T>): Promise<T> {
  fold(hello);
  return later;
}

const PING = new OutgoingMessage(["ping"]);

/** The close code of transports that measure frames themselves. RFC 6455, 7.4.1. */
const MESSAGE_TOO_BIG = 1009;

function tooBig(max: number): Refusal {
  const message = `Closed a link: a frame was larger than ${max} bytes (limits.maxFrameBytes)`;
  return { reason: "frame-size", message };
}
