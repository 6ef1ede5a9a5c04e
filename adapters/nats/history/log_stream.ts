/**
 * The one stream with all histories of a prefix, over one connection.
 *
 * Its subjects are not channels: `%log.%head` holds the present life of the stream, and `%log.LIFE.CHANNEL` holds the
 * batches of a channel. Whenever the stream has lost messages, a new life begins, with new subjects. A node that does
 * not know the new life finds nothing when it reads. When it writes, the server refuses the write: it compares the
 * newest message of the subject with the one that the writer knows.
 *
 * @module
 */

import { fromBase64 } from "../../../contract/mod.ts";
import { encodeToken } from "../subject.ts";
import { configOf, misfit, type StreamConfig, type StreamSettings } from "./config.ts";
import { CODES, isGone, NOBODY, RefusedError, UnansweredError, UnfitError } from "./errors.ts";
import { encodeHead, type Head, newLife, readHead } from "./head.ts";
import { type JetStream, readAnswer } from "./jet_stream.ts";
import { EXPECTED, isFirstAfter, type Newest, newestInOrder, type Seen, UNCOMPARED } from "./order.ts";
import { numbersApart, widensPurges } from "./server_version.ts";
import type { Stored } from "./stored.ts";

export type { Stored } from "./stored.ts";

/** What a node remembers of the stream after a connection is lost. */
export interface Memory {
  life: string;
  /** The highest number that the server has confirmed. */
  seq: number;
}

/** How often to try a write of the head against other nodes that write it at the same time. */
const MAX_ATTEMPTS = 10;

/**
 * How often to send the first head to a stream that is being created. Each attempt takes a round trip, so it needs no
 * pause.
 */
const MAX_BEGINNINGS = 1_000;

/** The stream. */
export class LogStream {
  readonly jetStream: JetStream;
  readonly #settings: StreamSettings;
  readonly #memory: Memory;
  #ready: Promise<Head> | undefined;
  /** Whether replicas answer reads directly. */
  #direct = true;
  /** How many servers store each message; known when the stream is ready. */
  replicas = 1;

  /**
   * @param jetStream The connection.
   * @param settings How the stream is set up.
   * @param memory What the node remembers of the stream.
   */
  constructor(jetStream: JetStream, settings: StreamSettings, memory: Memory) {
    this.jetStream = jetStream;
    this.#settings = settings;
    this.#memory = memory;
  }

  /** Whether the server compares what a write expects. Otherwise it also keeps writes that do not count. */
  get compares(): boolean {
    return this.replicas === 1 || !numbersApart(this.jetStream.version);
  }

  /** Makes sure that a usable stream exists. Returns its life, as of the first call or the last change seen. */
  ready(): Promise<Head> {
    const ready = this.#ready ??= this.#prepare();
    ready.catch(() => {
      if (this.#ready === ready) this.#ready = undefined; // the next call tries again
    });
    return ready;
  }

  /** The stream may be gone: the next call looks for it again. */
  renew(): void {
    this.#ready = undefined;
  }

  /** The life in a channel's subject; `undefined` for other subjects. */
  lifeOf(subject: string): string | undefined {
    const start = `${this.#settings.subjects.aside("log")}.`;
    const [life, channel, more] = subject.startsWith(start) ? subject.slice(start.length).split(".") : [];
    return channel !== undefined && more === undefined ? life : undefined;
  }

  /** The subject by which nodes agree on which of them sweeps. */
  get sweepSubject(): string {
    return `${this.#settings.subjects.aside("log")}.%sweep`;
  }

  /** The subject of a channel. */
  subjectOf(life: string, channel: string): string {
    return `${this.#settings.subjects.aside("log")}.${life}.${encodeToken(channel)}`;
  }

  /** Reads the present head. */
  async head(): Promise<Head> {
    await this.ready();
    const head = await this.#readHead();
    if (head.life !== this.#memory.life) this.#ready = Promise.resolve(this.#remember(head));
    return head;
  }

  /** Begins a new round: empty channels get another epoch than before. */
  async nextRound(): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { life, round, seq } = await this.head();
      if (await this.#writeHead({ life, round: round + 1 }, seq)) return;
    }
    throw this.#changing();
  }

  /** The newest message of a subject, as the stream's leader knows it, whether it counts or not. */
  async last(subject: string): Promise<Stored | undefined> {
    return await this.#get({ last_by_subj: subject });
  }

  /**
   * The newest message of a subject that counts, as the stream's leader knows it.
   *
   * @param subject The subject.
   * @param counts Whether a message with this number is known to count.
   * @param seen What is known from before.
   */
  async newest(
    subject: string,
    counts?: (seq: number) => boolean,
    seen?: Seen,
  ): Promise<Newest | undefined> {
    if (this.replicas > 1) return await newestInOrder(this, subject, counts, seen);
    const stored = await this.last(subject);
    return stored && { stored, last: stored.seq };
  }

  /** The message with a number, as any replica knows it; `undefined` if the replica that answers does not have it. */
  async at(seq: number): Promise<Stored | undefined> {
    if (!this.#direct) return undefined;
    try {
      const { data, headers } = await this.jetStream.fetch(`DIRECT.GET.${this.#settings.name}`, { seq });
      const at = Date.parse(headers?.get("Nats-Time-Stamp") ?? "");
      const subject = headers?.get("Nats-Subject") ?? "";
      return Number(headers?.get("Nats-Sequence")) === seq && at > 0 ? { seq, subject, at, data } : undefined;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.#direct = false; // the stream does not offer direct reads, or this user may not use them
      return undefined;
    }
  }

  /** The first message with this number or a higher one, of all subjects or of one, as the stream's leader knows it. */
  async next(
    seq: number,
    subject = `${this.#settings.subjects.aside("log")}.>`,
  ): Promise<Stored | undefined> {
    return await this.#get({ seq, next_by_subj: subject });
  }

  /** Whether the stream's leader has got as far as a number. A new leader may be behind for a moment. */
  async reaches(seq: number): Promise<boolean> {
    const info = await this.jetStream.call(`STREAM.INFO.${this.#settings.name}`, {}) as StreamInfo;
    return info.state.last_seq >= seq;
  }

  /** The stream has lost a message, as after a power cut. If it still ends before that number, a new life begins. */
  lost(seq: number): void {
    this.#memory.seq = Math.max(this.#memory.seq, seq);
    this.renew();
  }

  /**
   * Keeps a message, if the newest message of its subject has the expected number.
   *
   * @param subject The subject.
   * @param expected The number.
   * @param data The message.
   * @param counts Whether a message with this number is known to count.
   * @returns Its number; `undefined` if the newest message has another number. Then the stream does not keep the message,
   * or it does not count.
   */
  async keep(
    subject: string,
    expected: number,
    data: Uint8Array,
    counts?: (seq: number) => boolean,
  ): Promise<number | undefined> {
    let seq: number;
    try {
      const header = this.compares ? EXPECTED : UNCOMPARED;
      const answer = await this.jetStream.ask(subject, data, { [header]: String(expected) });
      ({ seq } = readAnswer(answer.data) as { seq: number });
      this.#memory.seq = Math.max(this.#memory.seq, seq);
    } catch (error) {
      if (error instanceof RefusedError && error.code === CODES.wrongLastSequence) return undefined;
      throw error;
    }
    if (this.replicas === 1 || seq > expected && counts?.(seq)) return seq;
    try {
      if (seq > expected) {
        const [isFirst, before] = await Promise.all([
          isFirstAfter(this, subject, expected, seq),
          expected > 0 ? this.next(expected, subject) : undefined,
        ]);
        if (!isFirst) return undefined;
        if (expected === 0 || before?.seq === expected || await this.#isPresent(subject)) return seq;
      }
      await this.#remove(subject, seq); // the stream was deleted and made again
      this.renew();
      return undefined;
    } catch (cause) {
      // It is stored, so no refusal may say that it is not.
      throw new UnansweredError(`cannot find out whether message ${seq} counts`, { cause });
    }
  }

  /** Removes the messages of a subject with lower numbers than `seq`. */
  async purge(subject: string, { seq }: { readonly seq: number }): Promise<void> {
    if (this.replicas > 1 && widensPurges(this.jetStream.version)) await this.#removeSingly(subject, seq);
    else await this.#purge({ filter: subject, seq });
  }

  /** Whether a subject belongs to the present life. */
  async #isPresent(subject: string): Promise<boolean> {
    const [life, newest] = [this.lifeOf(subject), await this.newest(this.#headSubject)];
    return life === undefined || life === (newest && readHead(newest))?.life;
  }

  get #headSubject(): string {
    return `${this.#settings.subjects.aside("log")}.%head`;
  }

  async #prepare(): Promise<Head> {
    const { name } = this.#settings;
    const info = await this.#info() ?? await this.#create();
    const wrong = misfit(info.config, this.#settings);
    if (wrong) {
      throw new UnfitError(`the stream ${name} cannot be used: ${wrong}. Change it, or name another stream`);
    }
    this.replicas = info.config.num_replicas ?? 1;
    if (info.state.last_seq === 0) await this.#begin();
    const head = await this.#readHead();
    if (head.life !== this.#memory.life || !this.#hasLost(info)) return this.#remember(head);
    await this.#writeHead(newLife(), head.seq);
    await this.#purge({ filter: `${this.#settings.subjects.aside("log")}.${head.life}.*` });
    return this.#remember(await this.#readHead());
  }

  /**
   * Writes the first head of an empty stream, unless another node is faster. No read is allowed before that. The
   * reason: a stream that another node is just creating already answers. If a server of version 2.9 reads in it too
   * early, the server crashes with a nil pointer. The stream takes messages as soon as it is complete; before that, no
   * server listens.
   */
  async #begin(): Promise<void> {
    for (let attempt = 1;; attempt++) {
      try {
        await this.#writeHead(newLife(), 0);
        return;
      } catch (error) {
        const isIncomplete = error instanceof RefusedError && error.code === NOBODY;
        if (!isIncomplete || attempt === MAX_BEGINNINGS) throw error;
      }
    }
  }

  /** Reads the head. If there is none, as after a deletion, it begins a new life. */
  async #readHead(): Promise<Head> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const newest = await this.newest(this.#headSubject);
      const head = newest && readHead(newest);
      if (head) return head;
      await this.#writeHead(newLife(), newest?.last ?? 0);
    }
    throw this.#changing();
  }

  #remember(head: Head): Head {
    if (head.life !== this.#memory.life) Object.assign(this.#memory, { life: head.life, seq: head.seq });
    return head;
  }

  /**
   * Whether the stream has lost confirmed messages, as after a power cut. With replicas, the leader may be behind for a
   * moment only, so that does not count.
   */
  #hasLost({ config, state }: StreamInfo): boolean {
    return config.num_replicas === 1 && state.last_seq < this.#memory.seq;
  }

  async #info(): Promise<StreamInfo | undefined> {
    const { name } = this.#settings;
    try {
      return await this.jetStream.call(`STREAM.INFO.${name}`, {}) as StreamInfo;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.code === CODES.streamNotFound) return undefined;
      if (
        error.code === NOBODY || error.code === CODES.notEnabled || error.code === CODES.notEnabledForAccount
      ) {
        throw new UnfitError(
          "it offers no JetStream to this account. Start the server with `jetstream {}` in its configuration and enable it for the " +
            'account, or let each node keep its own history: createHub(…, { history: "per-node" })',
          undefined,
          { cause: error },
        );
      }
      throw error;
    }
  }

  async #create(): Promise<StreamInfo> {
    const { name } = this.#settings;
    try {
      return await this.jetStream.call(`STREAM.CREATE.${name}`, configOf(this.#settings)) as StreamInfo;
    } catch (error) {
      // Another node may have been faster. For a moment, the subjects may be in use while the name is still unknown.
      const isThere = error instanceof RefusedError && TAKEN.includes(error.code);
      const info = isThere && await this.#info();
      if (info) return info;
      throw error;
    }
  }

  /** Returns whether it is kept. It is not kept if another node was faster, or the leader did not have the newest head. */
  async #writeHead(head: Omit<Head, "seq">, expected: number): Promise<boolean> {
    const kept = await this.keep(this.#headSubject, expected, encodeHead(head));
    if (kept !== undefined && expected > 0) await this.purge(this.#headSubject, { seq: kept });
    return kept !== undefined;
  }

  #changing(): RefusedError {
    return new RefusedError(`other nodes change the head of stream ${this.#settings.name} all the time`);
  }

  async #purge(what: { readonly filter: string; readonly seq?: number }): Promise<void> {
    await this.jetStream.call(`STREAM.PURGE.${this.#settings.name}`, what);
  }

  async #removeSingly(subject: string, before: number): Promise<void> {
    const found: number[] = [];
    for (let from = 1; from < before;) {
      const seq = (await this.next(from, subject))?.seq ?? before;
      if (seq < before) found.push(seq);
      from = seq + 1;
    }
    // The newest first, so that at no moment one that does not count seems to be the first after the one that it expected.
    for (const seq of found.reverse()) await this.#remove(subject, seq);
  }

  async #remove(subject: string, seq: number): Promise<void> {
    try {
      await this.jetStream.call(`STREAM.MSG.DELETE.${this.#settings.name}`, { seq, no_erase: true });
    } catch (error) {
      // Another node may have removed it.
      if (!(error instanceof RefusedError) || (await this.next(seq, subject))?.seq === seq) throw error;
    }
  }

  async #get(request: object): Promise<Stored | undefined> {
    try {
      const answer = await this.jetStream.call(`STREAM.MSG.GET.${this.#settings.name}`, request);
      const { message: { subject, seq, time, data = "", hdrs } } = answer as {
        message: { subject: string; seq: number; time: string; data?: string; hdrs?: string };
      };
      return { seq, subject, at: Date.parse(time), data: fromBase64(data), headers: hdrs };
    } catch (error) {
      if (error instanceof RefusedError && error.code === CODES.noMessage) return undefined;
      if (isGone(error)) this.renew();
      throw error;
    }
  }
}

/** The codes of a server for the creation of a stream that exists. */
const TAKEN: readonly (number | undefined)[] = [CODES.streamNameInUse, CODES.subjectsOverlap];

interface StreamInfo {
  readonly config: StreamConfig;
  readonly state: { readonly last_seq: number };
}
