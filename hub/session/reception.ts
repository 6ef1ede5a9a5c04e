/**
 * Where links come in: whether to let them, the sessions that they become, their heartbeat, and their end.
 *
 * @module
 */

import { CLOSE_CODES, type Codec, jsonCodec } from "../../contract/mod.ts";
import type { Link, LinkAcceptor, LinkEvents, LinkRequest, Transport } from "../../transports/transport.ts";
import { KeyedLimit } from "./limits.ts";
import { originAllowed } from "./origin.ts";
import { Session, type SessionHost } from "./session.ts";
import type { SessionContext } from "./session_context.ts";
import { Turn } from "../outbox/turn.ts";

/** Accepts the links of all transports. */
export class Reception {
  readonly #context: SessionContext;
  readonly #codecs: readonly Codec[];
  readonly #addresses: KeyedLimit;
  readonly #host: SessionHost;
  /** Those that have no connection yet. */
  readonly #arriving = new Set<Session>();
  readonly #connections: ReadonlyMap<string, Session>;
  readonly #whenEmpty = new Set<() => void>();
  #stopBeating: (() => void) | undefined;
  #state: "starting" | "open" | "closing" = "starting";

  /**
   * Takes no links yet; see `open`.
   *
   * @param context What all sessions share.
   * @param connections Where the connections of this node are kept, by id.
   * @throws {TypeError} When there is no codec.
   */
  constructor(context: SessionContext, connections: Map<string, Session>) {
    const { options: { clock }, limits, requestTimeoutMs } = context;
    this.#context = context;
    this.#connections = connections;
    this.#host = {
      context,
      outbox: { limits: limits.outbox, clock },
      connection: { clock, requestTimeoutMs, maxPendingRequests: limits.maxPendingRequests },
      admitted: (session, { id }) => {
        this.#arriving.delete(session);
        connections.set(id, session);
      },
      gone: (session) => {
        if (session.conn) connections.delete(session.conn.id);
        else this.#arriving.delete(session);
        this.#addresses.leave(session.address);
        if (this.#size === 0) this.#becomeEmpty();
      },
    };
    this.#codecs = context.options.codecs ?? [jsonCodec];
    if (this.#codecs.length === 0) {
      throw new TypeError("Cannot create a hub without codecs: leave the option out for JSON");
    }
    this.#addresses = new KeyedLimit(context.limits.maxConnectionsPerAddress);
  }

  /** Whether links are taken. */
  get state(): "starting" | "open" | "closing" {
    return this.#state;
  }

  /** How many links have no connection yet. */
  get arriving(): number {
    return this.#arriving.size;
  }

  /** How many addresses are counted. */
  get addresses(): number {
    return this.#addresses.size;
  }

  /** Connects a transport. */
  attach(transport: Transport): void {
    const { limits, options: { clock } } = this.#context;
    const turns = new Map(
      this.#codecs.map((codec) => [codec.subprotocol, new Turn(codec, limits.outbox, clock)]),
    );
    const acceptor: LinkAcceptor = {
      subprotocols: [...turns.keys()],
      maxFrameBytes: limits.maxFrameBytes,
      highWaterBytes: limits.outbox.highWaterBytes,
      admit: (request) =>
        this.#safely(() => this.#admit(request), () => refusal(500, "The node cannot take the connection")),
      accept: (link, request) =>
        this.#safely(
          () => this.#accept(link, request, turns.get(link.subprotocol)),
          () => refuse(link, CLOSE_CODES.INTERNAL, "The node cannot take the connection"),
        ),
    };
    transport.attach(acceptor);
  }

  /** Takes links from now on. */
  open(): void {
    if (this.#state === "starting") this.#state = "open";
  }

  /**
   * Takes no more links, and gets rid of those that there are.
   *
   * @param drainMs Over how long the clients are spread, in milliseconds; 0 closes at once.
   * @returns Resolves when the last link is gone.
   */
  async close(drainMs: number): Promise<void> {
    this.#state = "closing";
    if (drainMs > 0 && this.#size > 0) {
      for (const session of this.#sessions()) session.move(drainMs);
      await this.#empty(drainMs);
    }
    for (const session of this.#sessions()) session.shut(CLOSE_CODES.GOING_AWAY, "The node is shutting down");
    await this.#empty(CLOSE_TIMEOUT_MS);
    for (const session of this.#sessions()) {
      session.close(CLOSE_CODES.GOING_AWAY, "The node is shutting down");
    }
    this.#stopBeating?.();
  }

  get #size(): number {
    return this.#arriving.size + this.#connections.size;
  }

  /** All links that there are now. */
  #sessions(): Session[] {
    return [...this.#arriving, ...this.#connections.values()];
  }

  #admit({ request, address }: LinkRequest): Response | undefined {
    const { options, limits } = this.#context;
    if (this.#state !== "open") {
      return refusal(503, "The node takes no connections now", { "retry-after": "1" });
    }
    if (!originAllowed(request, options.origins)) return refusal(403, "Not allowed from this Origin");
    if (this.#size >= limits.maxConnections) {
      return refusal(503, "The node is full", { "retry-after": "5" });
    }
    const key = this.#address({ request, address });
    if (key !== undefined && !this.#addresses.hasRoom(key)) {
      return refusal(429, "Too many connections of this address");
    }
    return undefined;
  }

  #accept(link: Link, { request, address }: LinkRequest, turn: Turn | undefined): LinkEvents {
    if (!turn) {
      const known = this.#codecs.map(({ subprotocol }) => subprotocol).join(", ");
      return refuse(link, CLOSE_CODES.UNSUPPORTED_VERSION, `Offer one of these subprotocols: ${known}`);
    }
    if (this.#state !== "open") return refuse(link, CLOSE_CODES.GOING_AWAY, "The node is shutting down");
    const { limits } = this.#context;
    const key = this.#address({ request, address });
    if (this.#size >= limits.maxConnections || !this.#addresses.enter(key)) {
      return refuse(link, CLOSE_CODES.CONNECTION_LIMIT, "Too many connections");
    }
    const session = new Session(this.#host, link, { request, address: key }, turn);
    this.#arriving.add(session);
    if (!this.#stopBeating) this.#beatLater();
    return session;
  }

  /** The application's own words on addresses and origins may throw; only the link in question suffers. */
  #safely<T>(act: () => T, otherwise: () => T): T {
    try {
      return act();
    } catch (error) {
      this.#context.onError(error, { stage: "connection" });
      return otherwise();
    }
  }

  #address({ request, address }: LinkRequest): string | undefined {
    const { options } = this.#context;
    return options.address ? options.address(request, address) : address;
  }

  #beatLater(): void {
    this.#stopBeating = this.#context.options.clock.after(this.#context.heartbeatMs / 2, () => {
      for (const session of this.#connections.values()) session.beat();
      this.#beatLater();
    }, { background: true });
  }

  #becomeEmpty(): void {
    this.#stopBeating?.();
    this.#stopBeating = undefined;
    for (const resolve of this.#whenEmpty) resolve();
  }

  /** Waits until there is no link, or for so long. */
  async #empty(ms: number): Promise<void> {
    if (this.#size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenEmpty.add(resolve);
    const stop = this.#context.options.clock.after(ms, resolve);
    await promise;
    stop();
    this.#whenEmpty.delete(resolve);
  }
}

/** How long a client may take to close its end, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

function refuse(link: Link, code: number, reason: string): LinkEvents {
  link.close(code, reason);
  return { message() {}, drain() {}, close() {} };
}

function refusal(status: number, text: string, headers?: Record<string, string>): Response {
  return new Response(`${text}\n`, { status, headers });
}
