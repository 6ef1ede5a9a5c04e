/**
 * A stream of JetStream in memory, for tests of what nodes make of it: it keeps, compares and counts what it is asked.
 *
 * @module
 */

import { Appender } from "../../../adapters/nats/history/appender.ts";
import { decodeBatch } from "../../../adapters/nats/history/batch.ts";
import type { LogStream, Stored } from "../../../adapters/nats/history/log_stream.ts";
import { TopicLog } from "../../../adapters/nats/history/topic_log.ts";
import { systemClock } from "../../../contract/mod.ts";

const SUBJECT = "s";

/** A node with one channel. */
export interface MemoryNode {
  readonly log: TopicLog;
  readonly appender: Appender;
  /** Whether it hears what others write. */
  listens: boolean;
}

/** The stream. */
export class MemoryStream {
  /** The stored messages, the oldest first. */
  readonly kept: Stored[] = [];
  /** How many messages were read. */
  reads = 0;
  /** How many writes were refused. */
  refused = 0;
  readonly #nodes: MemoryNode[] = [];
  /** The requests that it accepts. */
  readonly limits = { maxPayload: 1024 * 1024 };
  /** The present life. A new one begins when a node knows a message that is lost. */
  life = "L";
  /** The number of the newest message. */
  last = 0;

  /** A node on this stream. */
  node(): MemoryNode {
    const log = new TopicLog("c");
    const appender = new Appender({
      log,
      nodeId: () => "n",
      clock: systemClock,
      stream: () => this.stream,
      wall: () => this.last,
      onTrimmed() {},
    });
    const node = { log, appender, listens: true };
    this.#nodes.push(node);
    return node;
  }

  /** Keeps a message, if the newest is the one that is given; tells its number. */
  #keep(expected: number, data: Uint8Array): number | undefined {
    if ((this.kept.at(-1)?.seq ?? 0) !== expected) {
      this.refused++;
      return undefined;
    }
    const seq = this.last += 3; // others write as well
    this.kept.push({ seq, subject: SUBJECT, at: seq, data });
    const placed = { seq, at: seq, batch: decodeBatch(data)! };
    for (const { log, listens } of this.#nodes) if (listens) log.wrote(SUBJECT, placed);
    return seq;
  }

  #at(wanted: number): Stored | undefined {
    return this.kept.find(({ seq }) => seq === wanted);
  }

  /** The stream in the view of nodes. */
  readonly stream = {
    jetStream: this.limits,
    replicas: 1,
    compares: true,
    ready: () => Promise.resolve({ life: this.life, round: 0, seq: 1 }),
    head: () => Promise.resolve({ life: this.life, round: 0, seq: 1 }),
    reaches: (seq: number) => Promise.resolve(this.last >= seq),
    lost: () => {
      this.life += "L";
      this.kept.splice(0);
    },
    nextRound: () => Promise.resolve(), // as for channels that are brief
    subjectOf: () => SUBJECT,
    newest: () => {
      this.reads++;
      const stored = this.kept.at(-1);
      return Promise.resolve(stored && { stored, last: stored.seq });
    },
    at: (wanted: number) => Promise.resolve((this.reads++, this.#at(wanted))),
    next: (from: number) => Promise.resolve((this.reads++, this.kept.find(({ seq }) => seq >= from))),
    keep: async (_subject: string, expected: number, data: Uint8Array) => {
      await Promise.resolve(); // on its way
      return this.#keep(expected, data);
    },
    purge: (_subject: string, { seq = 0 }: { seq?: number }) =>
      Promise.resolve(void this.kept.splice(0, this.kept.findIndex((stored) => stored.seq >= seq))),
  } as unknown as LogStream;
}
