/**
 * Requests with an id: the hub does each of them once, even when a client sends it several times.
 *
 * @module
 */

import { HubError } from "../../../contract/mod.ts";
import { utf8Size } from "../../../contract/values/utf8_size.ts";
import type { Abortable } from "../../connection/abortable.ts";
import { type Claimed, Claims, type ClaimsOptions, otherInput } from "./claims.ts";
import { fingerprint, keepable, readOutcome, tooLarge, writeOutcome } from "./outcome.ts";
import { toClientError } from "../../connection/own_errors.ts";
import { internalError } from "../send_error.ts";
import { Room, type RoomLimits } from "./room.ts";

/** How long a closing hub waits until its last answers are stored, in milliseconds. */
const CLOSE_WAIT_MS = 1_000;

/** Options of {@linkcode Once}. */
export interface OnceOptions extends Omit<ClaimsOptions, "store">, RoomLimits {
  /** The store that all nodes share. Without it each node remembers only what it did itself. */
  readonly store: ClaimsOptions["store"] | undefined;
  /** Whether the hub can have no other nodes. */
  readonly solitary: boolean;
}

/** A request with an id. */
export interface Asked {
  /** The role of the client. */
  readonly role: string;
  /** The id of its user; `undefined` for an anonymous client. */
  readonly userId: string | undefined;
  /** The user or address that the request counts for in the limits. */
  readonly owner: string;
  /** The request's name. */
  readonly name: string;
  /** The id that the client gave it. */
  readonly id: string;
  /** The input, as the client sent it. */
  readonly input: unknown;
}

/** How this node does a request. */
export interface Doing {
  /** Does it. Never rejects. Gives the outcome, as `writeOutcome` writes it. */
  work(): Promise<string>;
  /** Aborted when the hub closes. */
  readonly working: Abortable;
  /** Called when the request has begun, or another node does it. */
  begun(): void;
  /** Aborted when the client does not wait any more. */
  readonly signal: AbortSignal;
}

interface Entry {
  readonly owner: string;
  readonly print: string;
  outcome: Promise<string>;
  waiting: number;
  bytes: number;
  begun: boolean;
}

/** Remembers requests and their outcomes. */
export class Once {
  readonly #options: OnceOptions;
  readonly #claims: Claims | undefined;
  readonly #entries = new Map<string, Entry>();
  /** When the hub may forget each done request, by the clock; the oldest first. */
  readonly #done = new Map<string, number>();
  readonly #room: Room;
  readonly #working = new Map<Abortable, Promise<string>>();
  #closed = false;

  /** @param options Its options. */
  constructor(options: OnceOptions) {
    const { store } = options;
    this.#options = options;
    this.#claims = store && new Claims({ ...options, store });
    this.#room = new Room(options);
  }

  /** How many requests it remembers, also while they are being done. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * The name of this memory. After a lost connection a client may send a request again to a hub with the same name. A
   * hub that can have no other nodes gives its own node id, even with a store, because its memory ends with it.
   */
  get memory(): string {
    const { store, solitary, nodeId } = this.#options;
    return store && !solitary ? store.name : nodeId;
  }

  /**
   * Does a request, unless it is done or being done already.
   *
   * @returns The outcome. Rejects with `BAD_REQUEST` (another input under the same id), `RATE_LIMITED` (too many ids),
   * `UNAVAILABLE` (it was not done), `UNCERTAIN` (it may have been done), or the reason of the signal.
   */
  async run(asked: Asked, doing: Doing): Promise<string> {
    const { role, userId, name, id } = asked;
    const channel = `once:${JSON.stringify([role, name, id, userId])}`;
    const print = fingerprint(name, asked.input);
    const entry = this.#entries.get(channel) ?? this.#begin(channel, print, asked, doing);
    if (entry.print !== print) throw otherInput(name);
    if (entry.begun) doing.begun();
    entry.waiting++;
    try {
      return await until(entry.outcome, doing.signal);
    } finally {
      entry.waiting--;
    }
  }

  /** Forgets the requests that have expired. */
  sweep(): void {
    const now = this.#options.clock.now();
    for (const [channel, until] of this.#done) {
      if (until > now) break;
      this.#forget(channel, this.#entries.get(channel)!);
    }
  }

  /** Aborts the requests that are being done, and waits a short time until the last answers are stored. */
  async close(): Promise<void> {
    this.#closed = true;
    const reason = new HubError("DISCONNECTED", "The hub is closed");
    for (const working of this.#working.keys()) working.abort(reason);
    if (this.#claims) {
      const { promise: waitedLongEnough, resolve } = Promise.withResolvers<void>();
      const stop = this.#options.clock.after(CLOSE_WAIT_MS, resolve);
      const answered = Promise.all(this.#working.values()).then(() => this.#claims!.close());
      await Promise.race([answered, waitedLongEnough]);
      stop();
      void this.#claims.close();
    }
    for (const [channel, entry] of this.#entries) this.#forget(channel, entry);
  }

  #begin(channel: string, print: string, { owner, name }: Asked, doing: Doing): Entry {
    if (this.#closed) throw new HubError("UNAVAILABLE", `Cannot do "${name}": the hub is closed`);
    this.sweep();
    const full = this.#room.enter(owner);
    if (full) {
      throw new HubError(
        full === "owner" ? "RATE_LIMITED" : "UNAVAILABLE",
        `Cannot do "${name}": too many requests with an id are remembered`,
        { cause: `limits.maxRequestIds is ${this.#options.maxCount}` },
      );
    }
    const entry: Entry = { owner, print, outcome: NEVER, waiting: 0, bytes: 0, begun: false };
    this.#entries.set(channel, entry);
    entry.outcome = this.#decide(channel, name, entry, doing);
    // This node did nothing. When the client sends it again, decide again.
    entry.outcome.catch(() => this.#forget(channel, entry));
    return entry;
  }

  async #decide(channel: string, name: string, entry: Entry, doing: Doing): Promise<string> {
    const claimed = { channel, name, print: entry.print, isWanted: () => entry.waiting > 0 };
    const begin = () => {
      entry.begun = true;
      doing.begun();
    };
    const elsewhere = this.#claims && await this.#claims.claim(claimed);
    if (elsewhere) begin();
    else if (this.#closed) throw new HubError("UNAVAILABLE", `Cannot do "${name}": the hub is closed`);
    const outcome = elsewhere ? await elsewhere.answer : await this.#work(claimed, doing, begin);
    // A handler that stops because the hub closes may have done a part of its work.
    const isCut = this.#closed && readOutcome(outcome)[0] === "err";
    if (!elsewhere && !isCut) this.#claims?.answer(claimed, outcome);
    this.#keep(channel, name, entry, outcome);
    return outcome;
  }

  async #work(claimed: Claimed, { work, working }: Doing, begin: () => void): Promise<string> {
    const outcome = work();
    this.#working.set(working, outcome);
    begin();
    const release = this.#claims?.hold(claimed);
    const done = await outcome;
    release?.();
    this.#working.delete(working);
    return done;
  }

  /** The request is done: from now on it gets the kept answer. */
  #keep(channel: string, name: string, entry: Entry, outcome: string): void {
    if (this.#entries.get(channel) !== entry) return;
    let kept = keepable(name, outcome);
    const bytes = utf8Size(kept);
    if (this.#room.add(entry.owner, bytes)) entry.bytes = bytes;
    else kept = tooLarge(name);
    entry.outcome = Promise.resolve(kept);
    this.#done.set(channel, this.#options.clock.now() + this.#options.ttlMs);
  }

  #forget(channel: string, entry: Entry): void {
    if (this.#entries.get(channel) !== entry) return;
    this.#entries.delete(channel);
    this.#done.delete(channel);
    this.#room.leave(entry.owner, entry.bytes);
  }
}

const NEVER = new Promise<never>(() => {});

/** Waits for an outcome until a signal is aborted. */
async function until(outcome: Promise<string>, signal: AbortSignal): Promise<string> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([outcome, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Writes an error for the client; without its `data` when that cannot be encoded.
 *
 * @param error The error that was thrown.
 * @param name The request that failed.
 * @param onError Reports `data` that cannot be encoded.
 */
export function writeError(error: unknown, name: string, onError: (failure: unknown) => void): string {
  const wire = toClientError(error, internalError(name));
  try {
    return writeOutcome(["err", wire]);
  } catch (failure) {
    onError(failure);
    return writeOutcome(["err", { code: wire.code, message: wire.message }]);
  }
}
