/**
 * Keeps a client connected: it replaces every lost connection, until the client ends.
 *
 * @module
 */

import {
  callEach,
  type CloseOptions,
  defer,
  type Hello,
  HubError,
  type UnreadableMessage,
} from "../contract/mod.ts";
import { type AppMessage, Connection, type ConnectionEnd } from "./connection.ts";
import type { Settings } from "./options.ts";
import { Outage } from "./lifecycle/outage.ts";
import { watchSleep } from "./lifecycle/sleep.ts";
import { Backoff, wishOf } from "./reconnect.ts";
import type { ClientStatus, StatusInfo, StatusListener } from "./api/mod.ts";

/**
 * The backoff resets only after a connection that lasted at least this long. Otherwise clients would flood a server
 * that accepts connections and then closes them. The time is long enough for a server to fail on a client's first
 * messages.
 */
const STABLE_MS = 5_000;

/**
 * The shortest time between two attempts to connect after waking up: a page may be shown and hidden many times in a
 * row.
 */
const WAKE_GAP_MS = 1_000;

/** How long `close()` waits for the other side, in milliseconds. */
const CLOSE_MS = 1_000;

/** Callbacks of the client. None of them may throw. They are called before all status listeners. */
export interface KeeperEvents {
  /**
   * Returns what a hello holds in addition to role and token.
   *
   * @param bytes The size of the hello without these additions, in bytes.
   */
  hello(bytes: number): Partial<Hello>;
  /** A connection is open. */
  open(connection: Connection): void;
  /** A message arrived. */
  message(message: AppMessage): void;
  /** A message arrived whose payload cannot be read. */
  unreadable(message: UnreadableMessage): void;
  /** The open connection is lost. */
  lost(error: HubError): void;
  /** The client is closed: no other connection follows. */
  closed(error: HubError): void;
}

/** Keeps one connection open. */
export class Keeper {
  readonly #settings: Settings;
  readonly #events: KeeperEvents;
  readonly #backoff: Backoff;
  readonly #ready = defer<void>();
  readonly #closed = defer<HubError | undefined>();
  readonly #listeners = new Set<{ readonly call: StatusListener }>();
  #status: ClientStatus = "connecting";
  #connection: Connection | undefined;
  readonly #outage: Outage;
  readonly #stopWaking = new Set<() => void>();
  /** When the last connection opened; absent until the first one. */
  #openedAt: number | undefined;
  /** Why the last attempt to connect failed, or the last connection ended. */
  #problem: HubError | undefined;
  /** When the next attempt may begin if the device wakes up. */
  #soonest = 0;
  #retryAt = 0;
  #stopTimer: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Starts to connect.
   *
   * @param settings The settings of the client.
   * @param events The callbacks of the client.
   */
  constructor(settings: Settings, events: KeeperEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#backoff = new Backoff(settings.reconnect, settings.random);
    this.#ready.promise.catch(() => {});
    this.#outage = new Outage(settings);
    const wake = () => this.#wake();
    this.#stopWaking.add(settings.lifecycle(wake)).add(watchSleep(settings.clock, wake));
    this.#connect();
  }

  /** See `Client.ready`. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** See `Client.closed`. */
  get closed(): Promise<HubError | undefined> {
    return this.#closed.promise;
  }

  /** See `Client.status`. */
  get status(): ClientStatus {
    return this.#status;
  }

  /** The connection, while it is open. */
  get open(): Connection | undefined {
    return this.#status === "open" ? this.#connection : undefined;
  }

  /** Why there is no connection. */
  get problem(): string {
    return this.#problem?.message ?? `no answer yet from ${this.#connection!.hub}`;
  }

  /** See `Client.onStatus`. */
  onStatus(call: StatusListener): () => void {
    const listener = { call };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** See `Client.close`. */
  close(how: CloseOptions): Promise<void> {
    return this.#closing ??= this.#close(how);
  }

  async #close({ code, reason }: CloseOptions): Promise<void> {
    if (this.#status === "closed") return;
    const { clock } = this.#settings;
    const late = defer<void>();
    const stop = clock.after(CLOSE_MS, () => late.resolve());
    const gone = this.#connection?.close(code, reason);
    this.#finish(undefined);
    await Promise.race([gone, late.promise]);
    stop();
  }

  /** The device may have slept, or the network may have changed. */
  #wake(): void {
    if (this.#connection) return this.#connection.prove();
    if (this.#status === "closed" || !this.#stopTimer) return;
    const now = this.#settings.clock.now();
    const delayMs = Math.max(0, this.#soonest - now);
    if (now + delayMs >= this.#retryAt) return;
    this.#backoff.hurry();
    this.#connectIn(delayMs, {});
  }

  #connectIn(delayMs: number, info: StatusInfo): void {
    if (this.#status === "closed") return; // a listener closed the client when the connection was lost
    const { clock } = this.#settings;
    this.#stopTimer?.();
    this.#retryAt = clock.now() + delayMs;
    this.#stopTimer = clock.after(delayMs, () => {
      this.#stopTimer = undefined;
      this.#connect();
    });
    this.#tell({ ...info, attempt: this.#backoff.attempt, retryInMs: delayMs });
  }

  #connect(): void {
    this.#soonest = this.#settings.clock.now() + WAKE_GAP_MS;
    this.#connection = new Connection(this.#settings, {
      hello: this.#events.hello,
      open: () => this.#opened(),
      message: this.#events.message,
      unreadable: this.#events.unreadable,
      move: (withinMs) => this.#plan(withinMs),
      end: (end) => this.#ended(end),
    });
  }

  #opened(): void {
    const connection = this.#connection!;
    this.#openedAt = this.#settings.clock.now();
    this.#status = "open";
    this.#problem = undefined;
    this.#events.open(connection);
    this.#ready.resolve();
    this.#tell({ nodeId: connection.welcome?.node });
  }

  /** The node will go away. A client that may not reconnect stays until the node closes the connection. */
  #plan(withinMs: number): void {
    if (this.#stopTimer || this.#settings.reconnect.maxAttempts === 0) return;
    const { clock, random } = this.#settings;
    this.#stopTimer = clock.after(random() * withinMs, () => this.#move());
  }

  #move(): void {
    this.#connection?.close(undefined, "Moving to another node");
    this.#settings.addresses.advance();
    // The delay was random already, so the client connects at once. It waits only if nodes keep sending it away.
    const lasted = this.#forgiveAfterStable();
    this.#retry(
      lasted ? 0 : this.#backoff.next(),
      new HubError("DISCONNECTED", "Connection lost: the node goes away"),
      {},
    );
  }

  #ended({ error, terminal, told, reached, by }: ConnectionEnd): void {
    if (this.#status === "closed") return; // a listener closed the client when it got the error
    // The node of this connection may come back, and it may be the only one that remembers requests: then its address
    // stays the first. If a node said that it goes away, it comes back only if it is the only one.
    if (by === "away" || !this.#connection!.isRemembered) this.#settings.addresses.advance();
    const wasOpen = this.#status === "open";
    const lasted = wasOpen && this.#forgiveAfterStable();
    // A client that was about to move reconnects at once, because its move time was random. It waits if nodes keep
    // sending it away.
    const atOnce = by === "asleep" || (by === "away" && lasted && this.#stopTimer !== undefined);
    // If a server opened the link and closed it again, the attempt cost the server some work. So the waits grow from
    // the first one on.
    const awayMs = reached ? Infinity : this.#outage.ms;
    const wishMs = wishOf(error);
    const delayMs = terminal ? undefined : this.#backoff.next(awayMs, wishMs);
    this.#soonest = Math.max(this.#soonest, this.#settings.clock.now() + wishMs);
    this.#retry(atOnce && delayMs !== undefined ? 0 : delayMs, error, { error });
    if (told) return;
    if (delayMs === undefined) this.#settings.report(error, { stage: "connection" });
    else if (!wasOpen) this.#outage.failed(error);
  }

  #forgiveAfterStable(): boolean {
    const lasted = this.#settings.clock.now() - this.#openedAt! >= STABLE_MS;
    if (lasted) this.#backoff.reset();
    return lasted;
  }

  #retry(delayMs: number | undefined, error: HubError, info: StatusInfo): void {
    if (delayMs === undefined) return this.#finish(error);
    this.#connection = undefined;
    this.#problem = error;
    const wasOpen = this.#status === "open";
    this.#status = this.#openedAt === undefined ? "connecting" : "reconnecting";
    if (wasOpen) {
      this.#outage.begin();
      this.#events.lost(error);
    }
    this.#connectIn(delayMs, info);
  }

  #finish(error: HubError | undefined): void {
    this.#stopTimer?.();
    this.#callAll(this.#stopWaking, (stop) => stop());
    this.#connection = undefined;
    this.#status = "closed";
    const cause = error ?? new HubError("DISCONNECTED", "Cannot go on: the client was closed");
    this.#events.closed(cause);
    this.#ready.reject(cause);
    this.#closed.resolve(error);
    this.#tell(error ? { error } : {});
    this.#listeners.clear();
  }

  #tell(info: StatusInfo): void {
    const status = this.#status;
    this.#callAll(this.#listeners, (listener) => listener.call(status, info));
  }

  #callAll<T>(all: ReadonlySet<T>, call: (one: T) => void): void {
    callEach(all, call, (error) => this.#settings.report(error, { stage: "status" }));
  }
}
