/**
 * Who must have heard what: everything that is published is written down for whoever it is for, and compared with what
 * came.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import type { Order } from "../hub/cluster.ts";
import type { Mark } from "./scene.ts";

/** More than any publisher of a test publishes. */
const PER_PUBLISHER = 1_000_000;

const keyOf = (p: number, n: number): number => p * PER_PUBLISHER + n;
const said = (key: number): string => `${Math.floor(key / PER_PUBLISHER)}:${key % PER_PUBLISHER}`;

/** A connection that stays throughout. */
export class Listener {
  /** The channels it is on. */
  readonly channels: ReadonlySet<string>;
  /** The publisher on its own node: its messages come in the order of the calls, on all channels. */
  readonly home: number;
  /** Its id, for `except`. */
  readonly id: string;
  /** How many messages must come. */
  readonly expected: number[] = [];
  readonly #heard: number[] = [];
  readonly #last = new Map<string, number>();
  /** The same without messages that went to several of its channels. */
  readonly #lastAlone = new Map<string, number>();
  readonly #disorder: string[] = [];
  /** Disorder that only messages to several of its channels have a part in. */
  readonly #overtakings: string[] = [];
  #lastOfHome = -1;

  constructor(id: string, home: number, channels: Iterable<string>) {
    this.id = id;
    this.home = home;
    this.channels = new Set(channels);
  }

  /** How many have come. */
  get count(): number {
    return this.#heard.length;
  }

  /** Whether something has not come yet. What may come or not counts too, so counting is not enough. */
  get waits(): boolean {
    if (this.count < this.expected.length) return true;
    const heard = new Set(this.#heard);
    return this.expected.some((key) => !heard.has(key));
  }

  /** The number of the latest message of the publisher on its own node; -1 before the first. */
  get lastOfHome(): number {
    return this.#lastOfHome;
  }

  /** Takes a message that came. */
  take({ p, n, c }: Mark): void {
    this.#heard.push(keyOf(p, n));
    if (p === this.home) {
      if (n <= this.#lastOfHome) this.#disorder.push(`${n} of the own node after ${this.#lastOfHome}`);
      this.#lastOfHome = n;
    }
    const channels = (c.includes(",") ? c.split(",") : [c]).filter((channel) => this.channels.has(channel));
    for (const channel of channels) {
      const key = `${p} ${channel}`;
      const last = this.#last.get(key) ?? -1;
      const isAlone = channels.length === 1;
      if (isAlone && n <= (this.#lastAlone.get(key) ?? -1)) {
        this.#disorder.push(`${p}:${n} on ${channel} after ${this.#lastAlone.get(key)}`);
      } else if (n <= last) this.#overtakings.push(`${p}:${n} on ${channel} after ${last}`);
      if (isAlone) this.#lastAlone.set(key, n);
      this.#last.set(key, n);
    }
  }

  /**
   * Fails unless every message came once, in order, and no other.
   *
   * @param optional Messages that may have come, or not.
   * @param order What order is kept.
   */
  check(optional?: ReadonlySet<number>, order?: Order): void {
    const missing = this.checkWhatCame(optional, order);
    assertEquals(missing.slice(0, 5).map(said), [], `connection ${this.id} lacks ${missing.length} messages`);
  }

  /**
   * Fails unless what came was meant for it, came once, and in order; some of it may be missing.
   *
   * @param optional Messages that may have come, or not.
   * @param order What order is kept.
   * @returns What is missing.
   */
  checkWhatCame(optional: ReadonlySet<number> = new Set(), order: Order = "across channels"): number[] {
    const disorder = order === "by channel" ? this.#disorder : [...this.#disorder, ...this.#overtakings];
    assertEquals(disorder.slice(0, 5), [], `connection ${this.id} heard in disorder`);
    const heard = new Set(this.#heard);
    assertEquals(this.#heard.length - heard.size, 0, `connection ${this.id} heard something twice`);
    const expected = new Set(this.expected);
    const surplus = this.#heard.filter((key) => !expected.has(key) && !optional.has(key));
    assertEquals(surplus.slice(0, 5).map(said), [], `connection ${this.id} heard what was not for it`);
    return this.expected.filter((key) => !heard.has(key));
  }
}

/** The messages of several publishers. */
export class Ledger {
  readonly listeners: Listener[] = [];
  /** Messages that others may have got too, because rooms were joined and left at the time. */
  readonly optional: Set<number> = new Set();
  /** How many messages each publisher has published. */
  readonly #counts: number[] = [];
  readonly #order: Order;

  /** @param order What order the backplane keeps. */
  constructor(order: Order = "across channels") {
    this.#order = order;
  }

  /** How many messages there were. */
  get published(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** A new message of a publisher. */
  mark(p: number, c: string, fill?: string): Mark {
    const n = this.#counts[p] ?? 0;
    this.#counts[p] = n + 1;
    return { p, n, c, fill };
  }

  /** Records the receivers of a message. */
  note({ p, n }: Mark, isFor: (listener: Listener) => boolean): void {
    const key = keyOf(p, n);
    for (const listener of this.listeners) if (isFor(listener)) listener.expected.push(key);
  }

  /** Writes down that a message may also come to others. */
  allow({ p, n }: Mark): void {
    this.optional.add(keyOf(p, n));
  }

  /** Waits until every receiver has got all its messages. */
  async arrive(timeoutMs = 30_000): Promise<void> {
    let late = this.listeners;
    const arrived = () => (late = late.filter((listener) => listener.waits)).length === 0;
    await waitFor(arrived, { timeoutMs, what: "everything to arrive" }).catch((error) => {
      for (const listener of late) listener.check(this.optional, this.#order); // says what is missing
      throw error;
    });
  }

  /** Fails unless every receiver got every message once, in order. */
  check(): void {
    for (const listener of this.listeners) listener.check(this.optional, this.#order);
  }
}
