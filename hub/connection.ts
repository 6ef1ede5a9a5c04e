/**
 * One client on this node.
 *
 * @module
 */

import {
  type CallOptions,
  type Clock,
  CLOSE_CODES,
  type Entry,
  HubError,
  parse,
  parseNow,
  PendingCalls,
  type Surface,
} from "../contract/mod.ts";
import type { Link } from "../transports/transport.ts";
import type { Outbox } from "./outbox.ts";
import { Outgoing } from "./outgoing.ts";
import type { DisconnectReason } from "./options.ts";
import type { Membership } from "./registry.ts";
import type { HubUser } from "./types.ts";

/** What a connection is made of. */
export interface ConnectionParts {
  /** Unique in the cluster. */
  readonly id: string;
  /** Its role. */
  readonly role: string;
  /** What its role may say and hear. */
  readonly surface: Surface;
  /** Its user. */
  readonly user: HubUser | undefined;
  /** What `authenticate` attached. */
  readonly ctx: unknown;
  /** The address at the other end. */
  readonly address: string | undefined;
  /** The link under it. */
  readonly link: Link;
  /** What it is sent. */
  readonly outbox: Outbox;
  /** Where timeouts come from. */
  readonly clock: Clock;
  /** How long a request may take where the caller does not say, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How many requests may wait for the client's answer. */
  readonly maxPendingRequests: number;
}

/** A connection; `HubConnection` is how users see it. */
export class Connection {
  /** Unique in the cluster. */
  readonly id: string;
  /** Its role. */
  readonly role: string;
  /** What its role may say and hear. */
  readonly surface: Surface;
  /** Its user. */
  readonly user: HubUser | undefined;
  /** What `authenticate` attached. */
  readonly ctx: unknown;
  /** The address at the other end. */
  readonly address: string | undefined;
  /** What it is sent. */
  readonly outbox: Outbox;
  /** The requests that the client has not answered. */
  readonly calls: PendingCalls;
  /** Its groups, by name; kept by the registry. */
  readonly memberships: Map<string, Membership> = new Map();
  /** The rooms it is in; kept by the rooms. */
  readonly rooms: Set<string> = new Set();
  readonly #link: Link;
  readonly #requestTimeoutMs: number;
  readonly #maxPendingRequests: number;
  #aborter: AbortController | undefined;
  #ended: DisconnectReason | undefined;

  /** @param parts What it is made of. */
  constructor(parts: ConnectionParts) {
    this.id = parts.id;
    this.role = parts.role;
    this.surface = parts.surface;
    this.user = parts.user;
    this.ctx = parts.ctx;
    this.address = parts.address;
    this.outbox = parts.outbox;
    this.calls = new PendingCalls(parts.clock);
    this.#link = parts.link;
    this.#requestTimeoutMs = parts.requestTimeoutMs;
    this.#maxPendingRequests = parts.maxPendingRequests;
  }

  /** Whether it is gone, or going. */
  get closed(): boolean {
    return this.#ended !== undefined;
  }

  /** Aborted when the connection is gone. */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#ended && !this.#aborter.signal.aborted) this.#aborter.abort(goneError(this.#ended));
    return this.#aborter.signal;
  }

  /** See `HubConnection.emit`. */
  emit(event: string, payload: unknown): void {
    const entry = this.#entry(event, "event");
    const parsed = parseNow(entry.payload!, payload, `event "${event}"`);
    this.outbox.push(new Outgoing(["ev", event, parsed], { droppable: true }));
  }

  /** See `HubConnection.request`. */
  async request(name: string, input: unknown, options: CallOptions = {}): Promise<unknown> {
    const entry = this.#entry(name, "request");
    const parsed = await parse(entry.input!, input, `input of "${name}"`);
    if (this.#ended) throw goneError(this.#ended);
    if (this.calls.size >= this.#maxPendingRequests) {
      throw new HubError(
        "RATE_LIMITED",
        `Cannot ask "${name}": ${this.calls.size} requests wait for this client`,
      );
    }
    const { id, answer } = this.calls.open(
      name,
      { timeoutMs: this.#requestTimeoutMs, ...options },
      (id) => this.outbox.push(new Outgoing(["cancel", id])),
    );
    try {
      this.outbox.push(new Outgoing(["req", id, name, parsed]));
    } catch (error) {
      this.calls.reject(id, error as HubError); // it cannot be encoded, so nobody will answer
    }
    return await parse(entry.output!, await answer, `output of "${name}"`);
  }

  /** See `HubConnection.close`. */
  close(code: number = CLOSE_CODES.DISCONNECTED, reason = "Disconnected by the application"): void {
    if (this.#ended) return;
    this.outbox.flush(); // what was sent before the close arrives before it
    this.#link.close(code, reason);
  }

  /** Ends everything that belongs to it: the link is gone. Called once. */
  end(reason: DisconnectReason): void {
    this.#ended = reason;
    this.outbox.close();
    this.calls.failAll((name) =>
      new HubError("DISCONNECTED", `The client left before it answered "${name}"`)
    );
    this.#aborter?.abort(goneError(reason));
  }

  #entry(name: string, kind: "event" | "request"): Entry {
    const entry = this.surface.serverToClient.get(name);
    if (entry && (entry.payload !== undefined) === (kind === "event")) return entry;
    throw new HubError(
      "NOT_FOUND",
      `Cannot send ${kind} "${name}": role "${this.role}" has none of that name`,
    );
  }
}

function goneError({ code, reason }: DisconnectReason): HubError {
  return new HubError("DISCONNECTED", `The connection is gone (${code}${reason && `: ${reason}`})`);
}
