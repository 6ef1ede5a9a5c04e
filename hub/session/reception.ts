/**
 * Accepts or refuses links, keeps their sessions, sends heartbeats, and closes all of them at the end.
 *
 * @module
 */

import { CLOSE_CODES, type Codec, jsonCodec, kindOf, promiseOf } from "../../contract/mod.ts";
import type {
  Link,
  LinkAcceptor,
  LinkRequest,
  ServerLinkEvents,
  Transport,
} from "../../transports/transport.ts";
import { Heartbeats } from "../connection/heartbeats.ts";
import type { HubCloseOptions } from "../api/hub.ts";
import type { RefusalReason } from "../api/refusals.ts";
import { addressKey } from "./admission/address_key.ts";
import { AddressLimit } from "./admission/address_limit.ts";
import { Gate } from "./gate.ts";
import { Occupancy, type Place } from "./admission/occupancy.ts";
import { Welcomes } from "./admission/welcomes.ts";
import { refuseOrigin } from "./admission/origin.ts";
import { Session, type SessionHost } from "./session.ts";
import type { SessionContext } from "./session_context.ts";
import { Turn } from "../outbox/turn.ts";

/** Accepts the links of all transports. */
export class Reception {
  readonly #context: SessionContext;
  readonly #codecs: readonly Codec[];
  readonly #occupancy: Occupancy;
  readonly #upgrades: Gate;
  /** The number of links without a connection, by address. */
  readonly #handshakes: AddressLimit;
  readonly #host: SessionHost;
  /** The sessions without a connection. */
  readonly #arriving = new Set<Session>();
  readonly #connections: ReadonlyMap<string, Session>;
  readonly #whenLess = new Set<() => void>();
  readonly #reported = new Set<string>();
  readonly #heartbeats: Heartbeats;
  #state: "starting" | "open" | "closing" = "starting";
  /** The time by which clients should have moved to another node, by the clock; absent unless the node drains. */
  #moveBy: number | undefined;

  /**
   * Makes a reception that refuses links until `open` is called.
   *
   * @param context The shared context of all sessions.
   * @param connections The connections of this node, by id.
   */
  constructor(context: SessionContext, connections: Map<string, Session>) {
    const { options: { clock }, limits, onError, requestTimeoutMs } = context;
    this.#context = context;
    this.#connections = connections;
    this.#host = {
      context,
      welcomes: new Welcomes(context),
      outbox: { limits: limits.outbox, clock, failed: (error) => onError(error, { stage: "connection" }) },
      connection: {
        clock,
        calls: context.calls,
        requestTimeoutMs,
        maxPendingRequests: limits.maxPendingRequests,
      },
      admitted: (session, { id }) => {
        this.#arrived(session);
        connections.set(id, session);
        this.#heartbeats.add(session);
        if (this.#moveBy !== undefined) session.move(Math.max(0, Math.floor(this.#moveBy - clock.now())));
      },
      gone: (session) => {
        if (session.conn) connections.delete(session.conn.id);
        else this.#arrived(session);
        this.#heartbeats.remove(session);
        this.#becomeLess();
      },
      freed: (session) => this.#leave(session.address),
    };
    this.#codecs = context.options.codecs ?? [jsonCodec];
    this.#heartbeats = new Heartbeats(clock, context.heartbeatMs / 2);
    this.#occupancy = new Occupancy(clock, limits);
    this.#upgrades = new Gate({ clock, max: Infinity, perTurn: UPGRADES_PER_TURN });
    this.#handshakes = new AddressLimit(limits.maxHandshakesPerAddress);
  }

  /** Whether it accepts links. */
  get state(): "starting" | "open" | "closing" {
    return this.#state;
  }

  /** How many links have no connection yet. */
  get arriving(): number {
    return this.#arriving.size;
  }

  /** How many addresses it counts. */
  get addresses(): number {
    return this.#occupancy.addresses;
  }

  /** How many closed links have sockets that are not free yet. */
  get lingering(): number {
    return this.#occupancy.taken - this.#size;
  }

  /** Connects a transport. */
  attach(transport: Transport): void {
    const context = this.#context;
    const { limits, options: { clock } } = context;
    const turns = new Map(
      this.#codecs.map((codec) => [codec.subprotocol, new Turn(codec, limits.outbox, clock)]),
    );
    const acceptor: LinkAcceptor = {
      subprotocols: [...turns.keys()],
      maxFrameBytes: limits.maxFrameBytes,
      highWaterBytes: limits.outbox.highWaterBytes,
      admit: (request) => this.#admitSafely(request),
      report: (error) => this.#report(error),
      refused: (message) => context.refusals.add({ reason: "upgrade", message }),
      waitToOpen: () => this.#upgrades.pass(),
      withdraw: (request) => this.#occupancy.withdraw(request),
      accept: (link, request) => this.#accept(link, request, turns.get(link.subprotocol)),
    };
    transport.attach(acceptor);
  }

  /** Accepts links from now on. */
  open(): void {
    if (this.#state === "starting") this.#state = "open";
  }

  /**
   * Accepts no more links, and closes those that are open.
   *
   * @param options `drainMs`: how long clients may take to move; 0 closes at once. The moves are spread over most of
   * this time, so that the last clients have moved when it ends. `code` and `reason`: for the links that are still
   * open then.
   * @returns Resolves when the last link is gone.
   */
  async close(
    { drainMs = 0, code = CLOSE_CODES.GOING_AWAY, reason = "The node is shutting down" }: HubCloseOptions,
  ): Promise<void> {
    this.#state = "closing";
    if (drainMs > 0 && this.#size > 0) {
      const spreadMs = Math.floor(drainMs - Math.min(drainMs * DRAIN_REST, MAX_DRAIN_REST_MS));
      this.#moveBy = this.#context.options.clock.now() + spreadMs;
      for (const session of this.#connections.values()) session.move(spreadMs);
      await this.#until(() => this.#size === 0, drainMs);
    }
    for (const session of this.#sessions()) session.shut(code, reason);
    await this.#until(() => this.#size === 0, CLOSE_TIMEOUT_MS);
    for (const session of this.#sessions()) {
      session.close(code, reason);
    }
    // Wait until the goodbyes are sent, because the caller may end the process next.
    await this.#until(() => this.lingering <= 0, LINGER_MS);
  }

  get #size(): number {
    return this.#arriving.size + this.#connections.size;
  }

  /** All links that are open now. */
  #sessions(): Session[] {
    return [...this.#arriving, ...this.#connections.values()];
  }

  /** The application's functions for addresses and origins may throw. Then only this link is refused. */
  #admitSafely(request: LinkRequest): Response | undefined {
    try {
      return this.#admit(request);
    } catch (error) {
      this.#failed(error);
      return refusal(500, "The node cannot take the connection");
    }
  }

  #admit(link: LinkRequest): Response | undefined {
    const { request } = link;
    const { options, limits } = this.#context;
    if (this.#state !== "open") {
      const message = "Refused a client: the hub does not serve yet, because its backplane is not open";
      return this.#turnAway(this.#state, 503, "The node takes no connections now", message, 1);
    }
    const foreign = refuseOrigin(request, options.origins);
    if (foreign) return this.#turnAway("origin", 403, "Not allowed from this Origin", foreign);
    const address = this.#address(link);
    const { maxConnections, maxConnectionsPerAddress, maxHandshakes, maxHandshakesPerAddress } = limits;
    if (this.#arriving.size >= maxHandshakes) {
      const message =
        `Refused a client: ${maxHandshakes} links are not authenticated yet (limits.maxHandshakes)`;
      return this.#turnAway("full", 503, "Too many clients are connecting to this node at once", message, 1);
    }
    if (!this.#handshakes.hasRoom(address)) {
      const message =
        `Refused a client of ${addressKey(address!)}: ${maxHandshakesPerAddress} links of this address ` +
        "are not authenticated yet (limits.maxHandshakesPerAddress)";
      return this.#turnAway("address", 429, "Too many connections of this address", message);
    }
    switch (this.#occupancy.reserve(link, address)) {
      case "node": {
        const message = `Refused a client: there are ${maxConnections} connections (limits.maxConnections)`;
        return this.#turnAway("full", 503, "The node is full", message, 5);
      }
      case "address": {
        const message =
          `Refused a client of ${addressKey(address!)}: this address has ${maxConnectionsPerAddress} ` +
          "connections (limits.maxConnectionsPerAddress). Behind a proxy, set address of createHub";
        return this.#turnAway("address", 429, "Too many connections of this address", message);
      }
    }
    return undefined;
  }

  /** Refuses a request. */
  #turnAway(
    reason: RefusalReason,
    status: number,
    text: string,
    message: string,
    retryS?: number,
  ): Response {
    this.#context.refusals.add({ reason, message });
    return refusal(status, text, retryS === undefined ? undefined : { "retry-after": `${retryS}` });
  }

  #accept(link: Link, request: LinkRequest, turn: Turn | undefined): ServerLinkEvents {
    let place: Place;
    try {
      place = this.#occupancy.take(request, this.#addressOf);
    } catch (error) { // the application's function for addresses
      this.#failed(error);
      const { address } = this.#occupancy.take(request, () => undefined);
      return this.#dismiss(link, address, CLOSE_CODES.INTERNAL, "The node cannot take the connection");
    }
    const { address, shortage } = place;
    if (!turn) {
      const known = this.#codecs.map(({ subprotocol }) => subprotocol).join(", ");
      return this.#refuse(
        link,
        address,
        "version",
        CLOSE_CODES.UNSUPPORTED_VERSION,
        `Offer one of these subprotocols: ${known}`,
      );
    }
    if (this.#state !== "open") {
      return this.#refuse(link, address, "closing", CLOSE_CODES.GOING_AWAY, "The node is shutting down");
    }
    if (shortage) {
      const reason = shortage === "node" ? "full" : "address";
      return this.#refuse(link, address, reason, CLOSE_CODES.CONNECTION_LIMIT, "Too many connections");
    }
    // The hub may have admitted several upgrades before the first one opened.
    if (this.#arriving.size >= this.#context.limits.maxHandshakes || !this.#handshakes.enter(address)) {
      return this.#refuse(
        link,
        address,
        "full",
        CLOSE_CODES.CONNECTION_LIMIT,
        "Too many connections that are not authenticated",
      );
    }
    const session = new Session(this.#host, link, request, address, turn);
    this.#arriving.add(session);
    return session;
  }

  #refuse(
    link: Link,
    address: string | undefined,
    why: RefusalReason,
    code: number,
    reason: string,
  ): ServerLinkEvents {
    this.#context.refusals.add({ reason: why, message: `Refused a client: ${reason}` });
    return this.#dismiss(link, address, code, reason);
  }

  /** Closes a link that gets no session. */
  #dismiss(link: Link, address: string | undefined, code: number, reason: string): ServerLinkEvents {
    link.close(code, reason);
    return { message() {}, drain() {}, close() {}, freed: () => this.#leave(address) };
  }

  /** Reports each mistake in the configuration once, not at every connection. */
  #report(error: Error): void {
    if (this.#reported.has(error.message)) return;
    this.#reported.add(error.message);
    this.#context.onError(error, { stage: "connection" });
  }

  #leave(address: string | undefined): void {
    this.#occupancy.leave(address);
    this.#becomeLess();
  }

  /** A function of the application has thrown while a link came. */
  #failed(error: unknown): void {
    this.#context.refusals.add({ reason: "failed", message: "" });
    this.#context.onError(error, { stage: "connection" });
  }

  readonly #addressOf = (request: LinkRequest): string | undefined => this.#address(request);

  /** The address that the application gives; otherwise the address of the link's other end. */
  #address(link: LinkRequest): string | undefined {
    const { address } = link;
    const given: unknown = this.#context.options.address?.(link.request, address);
    if (given !== undefined && given !== null && typeof given !== "string") {
      promiseOf(given)?.catch(() => {}); // a promise comes too late: its error does not matter
      throw new TypeError(
        `Cannot use ${kindOf(given)} as an address: address of createHub must return text, at once`,
      );
    }
    return given || address;
  }

  /** A session has got its connection, or has ended without one. */
  #arrived(session: Session): void {
    this.#arriving.delete(session);
    this.#handshakes.leave(session.address);
  }

  /** There is one link, or one socket, less. */
  #becomeLess(): void {
    for (const look of this.#whenLess) look();
  }

  /** Waits until the condition holds, for at most `ms`. Links that go make it look again. */
  async #until(isSo: () => boolean, ms: number): Promise<void> {
    if (isSo()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => isSo() && resolve();
    this.#whenLess.add(look);
    const stop = this.#context.options.clock.after(ms, resolve);
    await promise;
    stop();
    this.#whenLess.delete(look);
  }
}

/** How many links open in one turn of the event loop: some milliseconds of work for each turn. */
const UPGRADES_PER_TURN = 16;

/** The part of a drain at its end that is kept free for the clients that move last. */
const DRAIN_REST = 0.2;
/** The longest such part, in milliseconds. */
const MAX_DRAIN_REST_MS = 2_000;
/** How long a client may take to close its side, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/** How long to wait until closed sockets are free, in milliseconds. Most are free within a round trip. */
const LINGER_MS = 500;

function refusal(status: number, text: string, headers?: Record<string, string>): Response {
  return new Response(`${text}\n`, { status, headers });
}
