/**
 * A stream of JetStream with replicas, in memory. It compares nothing: it stores and confirms all writes, also several that
 * expect the same newest message.
 *
 * @module
 */

import { Appender } from "../../../adapters/nats/history/appender.ts";
import { type Batch, decodeBatch } from "../../../adapters/nats/history/batch.ts";
import type { LogStream, Stored } from "../../../adapters/nats/history/log_stream.ts";
import { isFirstAfter, newestInOrder, type Seen, UNCOMPARED } from "../../../adapters/nats/history/order.ts";
import { TopicLog } from "../../../adapters/nats/history/topic_log.ts";
import { systemClock } from "../../../contract/mod.ts";

const SUBJECT = "s";

/** A node with one channel. */
export interface ReplicatedNode {
  readonly log: TopicLog;
  readonly appender: Appender;
  /** Whether it hears of the next message. */
  listens(): boolean;
}

/** A message that was stored, and whether it counts. */
export interface Told {
  readonly seq: number;
  readonly batch: Batch;
  readonly counts: boolean;
}

/** The stream. */
export class ReplicatedStream {
  /** The stored messages, the oldest first. */
  readonly kept: Stored[] = [];
  /** All messages that were ever stored. */
  readonly told: Told[] = [];
  /** What the leader has. A new leader may not have everything yet. */
  leads: () => readonly Stored[] = () => this.kept;
  /** What the replica has that delivers the next message. */
  delivers: () => readonly Stored[] = () => this.kept;
  /** The highest number of the leader, if messages of other channels or removed ones have it. */
  reached = 0;
  /** How many requests were answered. */
  requests = 0;
  /** How many rounds were begun. */
  rounds = 0;
  /** The time, in milliseconds. */
  now = 0;
  readonly #nodes: ReplicatedNode[] = [];
  readonly #turns: () => number;
  #seq = 0;
  #pauses = 0;
  #stored: Promise<unknown> = Promise.resolve();

  /** @param turns How many turns the next thing takes. */
  constructor(turns: () => number) {
    this.#turns = turns;
  }

  /** A node on this stream. */
  node(listens: () => boolean): ReplicatedNode {
    const log = new TopicLog("c");
    const appender = new Appender({
      log,
      nodeId: () => "n",
      clock: { ...systemClock, after: (_ms, run) => (void this.#pause().then(run), () => {}) },
      stream: () => this.stream,
      wall: () => this.#seq,
      onTrimmed() {},
    });
    const node = { log, appender, listens };
    this.#nodes.push(node);
    return node;
  }

  async #pass(): Promise<void> {
    for (let left = this.#turns(); left > 0; left--) await Promise.resolve();
  }

  /** A node pauses. Pauses differ much, so that a node is sometimes alone. */
  async #pause(): Promise<void> {
    for (let left = ++this.#pauses % 32; left >= 0; left--) await this.#pass();
  }

  async #keep(expected: number, data: Uint8Array): Promise<number> {
    await this.#pass();
    const stored = this.#stored.then(() => this.#pass()).then(() => this.#store(expected, data));
    this.#stored = stored;
    return await stored;
  }

  #store(expected: number, data: Uint8Array): number {
    const [seq, before] = [this.#seq += 3, this.kept.at(-1)?.seq ?? 0]; // others write as well
    const headers = btoa(`NATS/1.0\r\n${UNCOMPARED}: ${expected}\r\n\r\n`);
    this.kept.push({ seq, subject: SUBJECT, at: seq, data, headers });
    const [batch, counts] = [decodeBatch(data)!, before <= expected];
    this.told.push({ seq, batch, counts });
    for (const { log, listens } of this.#nodes) {
      if (!listens()) continue;
      if (before < expected) log.doubt();
      else if (counts) log.wrote(SUBJECT, { seq, at: seq, batch });
      else log.passed(SUBJECT, seq, before);
    }
    return seq;
  }

  async #ask<T>(find: () => T): Promise<T> {
    this.requests++;
    await this.#pass();
    const found = find();
    await this.#pass();
    return found;
  }

  readonly #leader = {
    last: () => this.#ask(() => this.leads().at(-1)),
    next: (from: number) => this.#ask(() => this.leads().find(({ seq }) => seq >= from)),
  };

  /** The stream in the view of nodes. */
  readonly stream = {
    jetStream: { maxPayload: 1024 * 1024, clock: { ...systemClock, now: () => this.now } },
    replicas: 3,
    compares: false,
    ready: () => Promise.resolve({ life: "L", round: 0, seq: 1 }),
    head: () => Promise.resolve({ life: "L", round: this.rounds, seq: 1 }),
    nextRound: () => Promise.resolve(void this.rounds++),
    reaches: (seq: number) => this.#ask(() => Math.max(this.reached, this.leads().at(-1)?.seq ?? 0) >= seq),
    subjectOf: () => SUBJECT,
    newest: (subject: string, counts?: (seq: number) => boolean, seen?: Seen) =>
      newestInOrder(this.#leader, subject, counts, seen),
    at: (wanted: number) => this.#ask(() => this.delivers().find(({ seq }) => seq === wanted)),
    next: this.#leader.next,
    keep: async (
      subject: string,
      expected: number,
      data: Uint8Array,
      counts?: (seq: number) => boolean,
    ) => {
      const seq = await this.#keep(expected, data);
      if (counts?.(seq)) return seq;
      return await isFirstAfter(this.#leader, subject, expected, seq) ? seq : undefined;
    },
    purge: (_subject: string, { seq: before = 0 }: { seq?: number }) =>
      this.#ask(() => {
        while ((this.kept[0]?.seq ?? before) < before) this.kept.shift();
      }),
  } as unknown as LogStream;
}
