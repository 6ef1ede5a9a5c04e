/**
 * Removes the data that no write removes: expired messages of channels without new messages, and forgotten channels. It
 * goes through the stream from the oldest message on, one portion at a time. A message in the stream decides which node
 * does the next portion, and where it begins.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { decodeBatch } from "./batch.ts";
import type { LogStream, Stored } from "./log_stream.ts";
import { counts } from "./order.ts";

/** The pause between two portions, in milliseconds. The first node after the pause does the next portion. */
const INTERVAL_MS = 10_000;
/** How many messages a portion checks. */
const PORTION = 256;
/** The most portions in one go. It continues only while each portion finds something to remove. */
const MAX_PORTIONS = 16;
/** When the sweep reaches a message younger than this, it begins again at the oldest message. In milliseconds. */
const MIN_AGE_MS = 1_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Options of {@linkcode Sweeper}. */
export interface SweeperOptions {
  readonly clock: Clock;
  /** How long after its last message a channel is forgotten, in milliseconds. */
  readonly forgetAfterMs: number;
  /** The wall-clock time, in milliseconds. */
  wall(): number;
}

/** Removes old messages, on one node. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #lookedAt = -Infinity;

  /** @param options The options. */
  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Does a portion, if it is time and no other node does it. */
  async sweep(stream: LogStream): Promise<void> {
    const { clock, wall } = this.#options;
    const now = clock.now();
    if (now - this.#lookedAt < INTERVAL_MS / 2) return;
    this.#lookedAt = now;
    const { life } = await stream.ready();
    const lease = await stream.last(stream.sweepSubject);
    if (lease && wall() - lease.at < INTERVAL_MS && lease.at <= wall()) return;
    let from = readFrom(lease);
    let seq = lease?.seq ?? 0;
    for (let portions = 1;; portions++) {
      const { next, old, forgotten } = await this.#look(stream, life, from);
      const kept = await stream.keep(
        stream.sweepSubject,
        seq,
        encoder.encode(JSON.stringify({ from: next })),
      );
      if (kept === undefined) return; // another node has done it
      await stream.purge(stream.sweepSubject, { seq: kept });
      for (const { subject, seq } of old) await stream.purge(subject, { seq: seq + 1 });
      // The round comes first: a node that finds a channel empty then reads the new round, and begins in another epoch.
      if (forgotten.length > 0) await stream.nextRound();
      for (const { subject, seq } of forgotten) await stream.purge(subject, { seq: seq + 1 });
      if (old.length + forgotten.length === 0 || next === 1 || portions === MAX_PORTIONS) return;
      [from, seq] = [next, kept];
    }
  }

  async #look(stream: LogStream, life: string, from: number): Promise<Portion> {
    const [old, forgotten] = [new Map<string, Stored>(), new Map<string, Stored>()];
    let next = from;
    for (let i = 0; i < PORTION; i++) {
      const stored = await stream.next(next);
      const age = stored ? this.#options.wall() - stored.at : 0;
      if (!stored || age < MIN_AGE_MS) {
        next = 1;
        break;
      }
      next = stored.seq + 1;
      const ofLife = stream.lifeOf(stored.subject);
      if (ofLife === undefined) continue;
      if (ofLife !== life) old.set(stored.subject, stored);
      else await this.#judge(stream, stored, age, old, forgotten);
    }
    return { next, old: [...old.values()], forgotten: [...forgotten.values()] };
  }

  async #judge(
    stream: LogStream,
    stored: Stored,
    age: number,
    old: Map<string, Stored>,
    forgotten: Map<string, Stored>,
  ): Promise<void> {
    const { forgetAfterMs } = this.#options;
    const { ttlMs = Infinity, brief = false } = decodeBatch(stored.data) ?? {};
    if (age < Math.min(ttlMs, forgetAfterMs)) return;
    const newest = await stream.last(stored.subject);
    if (newest?.seq !== stored.seq) {
      if (age > ttlMs && await this.#isRemovable(stream, stored)) old.set(stored.subject, stored);
    } else if (brief && age > ttlMs) {
      old.set(stored.subject, stored); // the whole channel, because it is out of use
    } else if (age > forgetAfterMs && (ttlMs === Infinity || age > ttlMs)) {
      forgotten.set(stored.subject, stored);
    }
  }

  /** Whether a message may be removed that is not the newest: whether the one after it counts. */
  async #isRemovable(stream: LogStream, { subject, seq }: Stored): Promise<boolean> {
    if (stream.replicas === 1) return true;
    const next = await stream.next(seq + 1, subject);
    return next !== undefined && counts(next, seq);
  }
}

interface Portion {
  /** Where the next portion begins. */
  readonly next: number;
  /** The last messages to remove, each with all earlier messages of its subject. */
  readonly old: readonly Stored[];
  /** The newest messages of forgotten channels. */
  readonly forgotten: readonly Stored[];
}

function readFrom(lease: Stored | undefined): number {
  try {
    const { from } = JSON.parse(decoder.decode(lease?.data));
    return Number.isSafeInteger(from) && from > 0 ? from : 1;
  } catch {
    return 1;
  }
}
