/**
 * One client on this node.
 *
 * @module
 */

import {
  type CallOptions,
  type Clock,
  type CloseOptions,
  type Entry,
  HubError,
  parse,
  parseNow,
  PendingCalls,
  type Surface,
  type WireError,
} from "../../contract/mod.ts";
import type { AppCalls } from "./app_calls.ts";
import { wrong } from "../../contract/options/read_options.ts";
import type { Outbox } from "../outbox/outbox.ts";
import { DROPPABLE, OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { DisconnectReason } from "../api/options.ts";
import { readClosing, readReason } from "./close_arguments.ts";
import { own, owning } from "./own_errors.ts";
import { readClientCall } from "./call_options.ts";
import type { Membership } from "./membership.ts";
import type { RoomPast } from "./room_past.ts";
import type { SmallMap } from "./small_map.ts";
import type { HubUser } from "../api/connection.ts";

/** The rules of all connections. */
export interface ConnectionRules {
  /** The clock. */
  readonly clock: Clock;
  /** How long a request may take when the caller gives no time, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How many requests may wait for this client's answer. */
  readonly maxPendingRequests: number;
  /** Runs the calls of the application. */
  readonly calls: AppCalls;
}

/** The identity of an authenticated client. */
export interface Identity {
  /** The id of the connection, unique in the cluster. */
  readonly id: string;
  /** The messages of its role. */
  readonly surface: Surface;
  /** Its user. */
  readonly user: HubUser | undefined;
  /** The id of its user when it connected. The application may change its object later. */
  readonly userId: string | undefined;
  /** The `ctx` that `authenticate` gave. */
  readonly ctx: unknown;
  /** The client's address. */
  readonly address: string | undefined;
  /** The client's positions in rooms with history; absent when the client does not support them. */
  readonly past?: RoomPast;
  /** Whether the hub tells the client its rooms, so that the client can come back to them. */
  readonly rejoins?: boolean;
}

const NO_ROOMS: ReadonlySet<string> = new Set();

/** Puts a connection into its rooms again. */
interface Rejoins {
  /** The connection leaves a room. Returns whether it was on its way into it. */
  leave(room: string): boolean;
  /** The connection is gone. */
  close(): void;
}

/** The parts of a connection that most connections never have. They are in one object, to save memory. */
class RareParts {
  rejoins = false;
  rejoining: Rejoins | undefined;
  /** The requests that the client has not answered. */
  calls: PendingCalls | undefined;
  aborter: AbortController | undefined;
  /** Why the link has gone, and the rooms of that moment. */
  ended: { readonly reason: DisconnectReason; readonly rooms: ReadonlySet<string> } | undefined;
}

/** A connection of this node; users see it as `HubConnection`. It makes its parts only on demand, to save memory. */
export class Connection implements Identity {
  readonly id: string;
  readonly surface: Surface;
  readonly user: HubUser | undefined;
  readonly userId: string | undefined;
  readonly ctx: unknown;
  readonly address: string | undefined;
  /** The client's positions in rooms with history; `undefined` when the client does not support them. */
  readonly past: RoomPast | undefined;
  /** The messages to the client. */
  readonly outbox: Outbox;
  /** Its subscriptions, made by its first subscribe. */
  subscriptions: { revoke(topic: string, reason: string): void } | undefined;
  /** Its groups, by name; kept by the registry. */
  memberships: SmallMap<string, Membership> | undefined;
  readonly #rules: ConnectionRules;
  #rare: RareParts | undefined;

  /**
   * @param identity The identity of the client.
   * @param outbox The outbox on its link.
   * @param rules The rules of all connections.
   */
  constructor(identity: Identity, outbox: Outbox, rules: ConnectionRules) {
    this.id = identity.id;
    this.surface = identity.surface;
    this.user = identity.user;
    this.userId = identity.userId;
    this.ctx = identity.ctx;
    this.address = identity.address;
    this.past = identity.past;
    this.outbox = outbox;
    this.#rules = rules;
    if (identity.rejoins) this.#parts.rejoins = true;
  }

  /** Its role. */
  get role(): string {
    return this.surface.role!;
  }

  /** Whether the hub tells the client its rooms, so that the client can come back to them. */
  get rejoins(): boolean {
    return this.#rare?.rejoins === true;
  }

  /** Puts it into its rooms again; set when the client named some. */
  get rejoining(): Rejoins | undefined {
    return this.#rare?.rejoining;
  }

  set rejoining(rejoining: Rejoins | undefined) {
    this.#parts.rejoining = rejoining;
  }

  /** Whether the client supports rooms with history. */
  get recovers(): boolean {
    return this.past !== undefined;
  }

  /** The rooms that it is in. When it is gone, the rooms that it was in. */
  get rooms(): ReadonlySet<string> {
    const ended = this.#rare?.ended;
    if (ended) return ended.rooms;
    if (!this.memberships) return NO_ROOMS;
    const rooms = new Set<string>();
    for (const [, { live, room }] of this.memberships.entries()) {
      if (live && room !== undefined) rooms.add(room);
    }
    return rooms;
  }

  /** Whether this connection is in a group. */
  isIn(group: string): boolean {
    return this.memberships?.get(group)?.live === true;
  }

  /** How many requests the client has not answered. */
  get asking(): number {
    return this.#rare?.calls?.size ?? 0;
  }

  /** Whether it is gone, or closing. */
  get closed(): boolean {
    return this.outbox.closed;
  }

  /** Aborted when the connection is gone. */
  get signal(): AbortSignal {
    const parts = this.#parts;
    const { signal } = parts.aborter ??= new AbortController();
    if (parts.ended && !signal.aborted) parts.aborter.abort(goneError(parts.ended.reason));
    return signal;
  }

  /** See `HubConnection.emit`. */
  emit(event: string, payload: unknown): void {
    try {
      const entry = this.#entry(event, "event");
      const parsed = parseNow(entry.payload!, payload, "event", event);
      this.outbox.pushOwn(new OutgoingMessage(["ev", event, parsed], DROPPABLE));
    } catch (error) {
      throw own(error);
    }
  }

  /** See `HubConnection.request`. */
  request(name: string, input: unknown, options?: CallOptions): Promise<unknown> {
    return this.#rules.calls.ask(name, () => this.ask(name, input, options));
  }

  /** Asks the client. The caller must listen to the promise. */
  async ask(name: string, input: unknown, options?: CallOptions): Promise<unknown> {
    const { timeoutMs, signal } = readClientCall(options);
    const entry = this.#entry(name, "request");
    const parsed = await owning(() => parse(entry.input!, input, "input of", name));
    const parts = this.#parts;
    if (parts.ended) throw goneError(parts.ended.reason);
    const { clock, requestTimeoutMs, maxPendingRequests } = this.#rules;
    if (this.asking >= maxPendingRequests) {
      const text = `${this.asking} requests wait for this client (limits.maxPendingRequests)`;
      throw own(new HubError("RATE_LIMITED", `Cannot ask "${name}": ${text}`));
    }
    const calls = parts.calls ??= new PendingCalls(clock);
    const { id, answer } = calls.open(
      name,
      { timeoutMs: timeoutMs ?? requestTimeoutMs, signal },
      (id) => this.outbox.pushOwn(new OutgoingMessage(["cancel", id])),
    );
    try {
      this.outbox.pushOwn(new OutgoingMessage(["req", id, name, parsed]));
    } catch (error) {
      calls.reject(id, own(error as HubError)); // the request cannot be encoded, so no answer will come
    }
    const output = await answer;
    return await owning(() => parse(entry.output!, output, "output of", name));
  }

  /** The client has answered a request. An unknown id is ignored. */
  answered(id: number, output: unknown): void {
    this.#rare?.calls?.resolve(id, output);
  }

  /** The client has answered with an error. */
  refused(id: number, error: WireError): void {
    this.#rare?.calls?.reject(id, error);
  }

  /** See `HubConnection.unsubscribe`. */
  unsubscribe(topic: string, reason?: string): void {
    const sent = readReason(reason, "unsubscribe");
    if (typeof topic !== "string") throw wrong(topic, { owner: "unsubscribe", path: "the topic" }, "a text");
    if (!this.surface.topics.find(topic)) {
      throw own(
        new HubError(
          "NOT_FOUND",
          `Cannot unsubscribe from "${topic}": role "${this.role}" has no such topic`,
        ),
      );
    }
    if (!this.closed) {
      this.subscriptions?.revoke(topic, sent ?? `The application has ended the subscription to "${topic}"`);
    }
  }

  /** See `HubConnection.close`. */
  close(options?: CloseOptions): void {
    const { code, reason } = readClosing(options);
    this.shut(code, reason);
  }

  /** Closes it. A reason that is too long is cut off. */
  shut(code: number, reason: string): void {
    if (this.#rare?.ended) return;
    this.outbox.flush(); // what was sent before the close arrives before it
    this.outbox.shut(code, reason);
  }

  /** Ends everything that belongs to it: the link is gone. Called once. */
  end(reason: DisconnectReason): void {
    const parts = this.#parts;
    parts.ended = { reason, rooms: this.rooms };
    this.outbox.close();
    parts.calls?.failAll((name) =>
      new HubError("DISCONNECTED", `The client left before it answered "${name}"`)
    );
    parts.aborter?.abort(goneError(reason));
  }

  get #parts(): RareParts {
    return this.#rare ??= new RareParts();
  }

  #entry(name: string, kind: "event" | "request"): Entry {
    const entry = this.surface.serverToClient.get(name);
    if (entry && (entry.payload !== undefined) === (kind === "event")) return entry;
    throw own(
      new HubError(
        "NOT_FOUND",
        `Cannot send ${kind} "${name}": role "${this.role}" has no ${kind} of that name`,
      ),
    );
  }
}

function goneError({ code, reason }: DisconnectReason): HubError {
  return new HubError("DISCONNECTED", `The connection is gone (${code}${reason && `: ${reason}`})`);
}
