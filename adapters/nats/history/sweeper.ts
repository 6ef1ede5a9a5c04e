/**
 * Removes what nobody removes by writing: expired messages of channels on which nothing is appended any more, and channels
 * that are forgotten. It walks through the stream from its oldest message on, a portion at a time; nodes agree by a message of
 * the stream itself who does the next one, and where.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { decodeBatch } from "./batch.ts";
import type { LogStream, Stored } from "./log_stream.ts";

/** One portion is done by whichever node is first, so long after the last one, in milliseconds. */
const INTERVAL_MS = 10_000;
/** How many messages a portion looks at. */
const PORTION = 256;
/** How many portions are done one after the other, as long as there is something to remove in each. */
const MAX_PORTIONS = 16;
/** Nothing that is younger is looked at, in milliseconds: the walk begins anew. */
const MIN_AGE_MS = 1_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What {@linkcode Sweeper} needs. */
export interface SweeperOptions {
  readonly clock: Clock;
  /** After how long without a message a channel is forgotten, in milliseconds. */
  readonly forgetAfterMs: number;
  /** The time on the wall, in milliseconds. */
  wall(): number;
}

/** What sweeps, on one node. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #lookedAt = -Infinity;

  /** @param options What it needs. */
  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Does a portion, if it is time and no other node does. */
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
      await stream.purge(stream.sweepSubject, { keep: 1 });
      for (const { subject, seq } of old) await stream.purge(subject, { seq: seq + 1 });
      // First: who finds nothing on a channel then asks for the round, and begins in another epoch.
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
      if (age > ttlMs) old.set(stored.subject, stored);
    } else if (brief && age > ttlMs) {
      old.set(stored.subject, stored); // whole: nobody comes back to it
    } else if (age > forgetAfterMs && (ttlMs === Infinity || age > ttlMs)) {
      forgotten.set(stored.subject, stored);
    }
  }
}

interface Portion {
  /** Where the next portion begins. */
  readonly next: number;
  /** What is removed up to these, with what is before them on their subjects. */
  readonly old: readonly Stored[];
  /** The newest messages of channels that are forgotten. */
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
