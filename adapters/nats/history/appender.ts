/**
 * Appends messages to one channel. One write is under way at a time; messages that come meanwhile go into the next
 * write together. The server accepts a write only if the writer knows the newest message. A writer that was too late
 * reads it, and tries again.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { HubError } from "../../../contract/errors.ts";
import type { Position } from "../../../contract/mod.ts";
import { utf8Size } from "../../../contract/values/utf8_size.ts";
import type { AppendOptions } from "../../history_store.ts";
import { type Batch, type EarlierBatch, encodeBatch } from "./batch.ts";
import { isGone, RefusedError, storeError } from "./errors.ts";
import type { LogStream } from "./log_stream.ts";
import type { Tail, TopicLog } from "./topic_log.ts";

/** The limits of one batch: enough that the round trip does not matter. */
const MAX_RECORDS = 1_000;
const MAX_BATCH_BYTES = 256 * 1024;
/** The bytes besides the batch that count: the header with the expected number. */
const HEADER_BYTES = 128;
/** How often in a row to make the stream again after a deletion, or to look for it while it has no leader. */
const MAX_RENEWALS = 2;
/** The longest pause after many late writes in a row, in milliseconds. */
const MAX_PAUSE_MS = 16;
/**
 * The same if the server keeps writes that do not count: each of them makes others not count. So nodes that are far from the
 * server and write to one channel must pause longer, until one of them is alone.
 */
const MAX_LONG_PAUSE_MS = 1_024;
/** How many messages beyond `size` are kept before the oldest are removed: this many, or a quarter of `size` if that is more. */
const SLACK = 64;
/** The shortest time between two removals of expired messages, in milliseconds. */
const MIN_TRIM_MS = 1_000;
/** The pause after a failed removal, in milliseconds. */
const RETRY_TRIM_MS = 10_000;

/** Options of {@linkcode Appender}. */
export interface AppenderOptions {
  readonly log: TopicLog;
  /** This node. */
  nodeId(): string;
  readonly clock: Clock;
  /** The stream of the present connection. Throws a {@linkcode RefusedError} if there is no connection. */
  stream(): LogStream;
  /** The wall-clock time, in milliseconds. */
  wall(): number;
  /** Old messages were removed, or a removal has failed. */
  onTrimmed(error?: Error): void;
}

interface Waiting {
  readonly data: string;
  readonly bytes: number;
  readonly options: AppendOptions;
  /** Whether it is on its way to the server. */
  sent: boolean;
  settled: boolean;
  resolve(position: Position): void;
  reject(error: Error): void;
}

/** A batch, as it is sent. */
interface Message {
  readonly written: Batch;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The largest message of the server, in bytes. */
  readonly most: number;
}

/** The writer of one channel on one node. */
export class Appender {
  readonly #options: AppenderOptions;
  #waiting: Waiting[] = [];
  #running = false;
  #trimming = false;
  #trimmedAt = -Infinity;
  #failed = false;

  /** @param options The options. */
  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** Whether nothing waits and nothing is under way. */
  get idle(): boolean {
    return !this.#running && !this.#trimming;
  }

  /** Appends a message; see `HistoryStore.append`. */
  append(data: string, options: AppendOptions): Promise<Position> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(this.#givenUp(false, signal.reason));
    const { promise, resolve, reject } = Promise.withResolvers<Position>();
    const abort = () => waiting.reject(this.#givenUp(waiting.sent, signal!.reason));
    const settle = <T>(act: (value: T) => void) => (value: T) => {
      waiting.settled = true;
      signal?.removeEventListener("abort", abort);
      act(value);
    };
    const waiting: Waiting = {
      data,
      bytes: utf8Size(data),
      options,
      sent: false,
      settled: false,
      resolve: settle(resolve),
      reject: settle(reject),
    };
    signal?.addEventListener("abort", abort);
    this.#waiting.push(waiting);
    if (!this.#running) void this.#run();
    return promise;
  }

  get #what(): string {
    return `Cannot append to "${this.#options.log.channel}" in NATS JetStream`;
  }

  #givenUp(sent: boolean, cause: unknown): HubError {
    return sent
      ? new HubError("UNCERTAIN", `${this.#what}: the caller stopped waiting for the answer`, { cause })
      : new HubError("UNAVAILABLE", `${this.#what}: the caller stopped waiting before it was sent`, {
        cause,
      });
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#running = true;
    let [late, renewals, isFirst] = [0, 0, true];
    while (this.#waiting.length > 0) {
      let batch: readonly Waiting[] = [];
      try {
        const stream = this.#options.stream();
        // The server would keep a write that expects an old message, and others would have to search from there.
        if (isFirst && !stream.compares) this.#options.log.doubt();
        isFirst = false;
        const tail = await this.#options.log.tail(stream);
        batch = this.#take(stream);
        // A caller that has given up meanwhile got the answer that its message is not kept.
        batch = (await this.#unknown(stream, batch)).filter(({ settled }) => !settled);
        if (batch.length === 0) continue;
        let message = this.#compose(stream, tail, batch);
        if (message && batch.length > 1 && message.bytes.length > message.most) {
          this.#putBack(batch.slice(1));
          batch = batch.slice(0, 1);
          message = this.#compose(stream, tail, batch);
        }
        // There is no message if another batch has arrived meanwhile.
        const isKept = message && await this.#write(stream, tail, batch, message);
        renewals = 0;
        if (!isKept) this.#putBack(batch);
        if (message) late = isKept ? 0 : late + 1;
        await this.#pause(late, stream.compares ? MAX_PAUSE_MS : MAX_LONG_PAUSE_MS);
      } catch (error) {
        this.#options.log.doubt();
        if (isGone(error) && renewals++ < MAX_RENEWALS) {
          this.#putBack(batch);
          this.#streamIsGone();
          continue;
        }
        // Waiting messages would fail in the same way: the server is away, or refuses.
        for (const waiting of [...batch, ...this.#waiting.splice(0)]) {
          if (!waiting.settled) waiting.reject(storeError(this.#what, waiting.sent ? error : certain(error)));
        }
      }
    }
    this.#running = false;
  }

  #streamIsGone(): void {
    try {
      this.#options.stream().renew();
    } catch {
      // The connection is gone as well.
    }
  }

  /** Takes as many messages as fit into one batch. */
  #take(stream: LogStream): Waiting[] {
    const most = Math.min(MAX_BATCH_BYTES, stream.jetStream.maxPayload / 2);
    let [count, bytes] = [0, 0];
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes + utf8Size(waiting.options.idempotencyKey ?? "");
      if (count > 0 && (bytes > most || count >= MAX_RECORDS)) break;
      count++;
    }
    return this.#waiting.splice(0, count).filter(({ settled }) => !settled);
  }

  /** Puts back messages that were certainly not kept. */
  #putBack(batch: readonly Waiting[]): void {
    for (const waiting of batch) waiting.sent = false;
    this.#waiting.unshift(...batch.filter(({ settled }) => !settled));
  }

  /**
   * Answers the messages with a known key, and returns the others. The second message with the same key waits for the
   * first.
   */
  async #unknown(stream: LogStream, batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    if (!batch.some(({ options }) => options.idempotencyKey !== undefined)) return batch;
    const { log, wall } = this.#options;
    const left: Waiting[] = [];
    const twice: Waiting[] = [];
    const keys = new Set<string>();
    for (const waiting of batch) {
      const { idempotencyKey: key, onKnown, ttlMs } = waiting.options;
      if (key === undefined) left.push(waiting);
      else if (keys.has(key)) twice.push(waiting);
      else {
        // Clocks may differ. A node whose clock is ahead must not keep a message twice.
        const known = log.isNew(key) ? undefined : await log.find(stream, key, wall() - 2 * ttlMs);
        if (known) {
          onKnown?.();
          waiting.resolve(known);
        } else {
          keys.add(key);
          left.push(waiting);
        }
      }
    }
    this.#putBack(twice);
    for (const waiting of twice) waiting.sent = true; // the first one may be kept
    return left;
  }

  /** The message to write after a tail; `undefined` if the tail has changed. */
  #compose(stream: LogStream, tail: Tail, batch: readonly Waiting[]): Message | undefined {
    const { log, nodeId } = this.#options;
    const before = log.before(tail);
    if (!before) return undefined;
    const { size, ttlMs, brief = false } = batch.at(-1)!.options;
    const [epoch, last] = tail.position;
    const first = last + 1;
    const keys = new Map(
      batch.flatMap(({ options: { idempotencyKey } }, i) =>
        idempotencyKey === undefined ? [] : [[idempotencyKey, first + i]]
      ),
    );
    const records = batch.map(({ data }) => data);
    const head = { epoch, first, node: nodeId(), size, ttlMs, brief, floor: before.floor };
    const most = stream.jetStream.maxPayload - HEADER_BYTES;
    const message = (earlier: readonly EarlierBatch[]): Message => {
      const written: Batch = { ...head, earlier, keys, records };
      return { written, bytes: encodeBatch(written), most };
    };
    const withPage = before.page && message(before.page);
    return withPage && withPage.bytes.length <= most ? withPage : message(before.earlier);
  }

  /** Returns whether the batch is kept. It is not kept when another node was faster. */
  async #write(
    stream: LogStream,
    tail: Tail,
    batch: readonly Waiting[],
    { written, bytes, most }: Message,
  ): Promise<boolean> {
    const { log, wall } = this.#options;
    if (bytes.length > most) {
      const error = new HubError(
        "TOO_LARGE",
        `${this.#what}: with the head of its batch it has ${bytes.length} bytes, the server takes at most ${most}`,
        { data: { bytes: bytes.length, maxBytes: most } },
      );
      for (const { reject } of batch) reject(error);
      return true;
    }
    for (const waiting of batch) waiting.sent = true;
    const seq = await stream.keep(tail.subject, tail.seq, bytes, (seq) => log.counts(tail.subject, seq));
    if (seq === undefined) {
      // The newer batch may have arrived meanwhile.
      if ((await log.tail(stream)).seq === tail.seq) log.doubt();
      return false;
    }
    log.wrote(tail.subject, { seq, at: wall(), batch: written });
    batch.forEach(({ settled, resolve }, i) => settled || resolve([written.epoch, written.first + i]));
    this.#trim(stream, written.size, written.ttlMs);
    return true;
  }

  async #pause(late: number, maxMs: number): Promise<void> {
    if (late < 2) return;
    const longest = Math.min(2 ** (late - 2), maxMs);
    await new Promise<void>((resolve) => this.#options.clock.after(Math.random() * longest, resolve));
  }

  /** Removes surplus or expired messages from time to time. */
  #trim(stream: LogStream, size: number, ttlMs: number): void {
    const { log, clock, wall, onTrimmed } = this.#options;
    const before = wall() - ttlMs - MIN_TRIM_MS;
    const pauseMs = this.#failed ? RETRY_TRIM_MS : 0;
    const sinceMs = clock.now() - this.#trimmedAt;
    const isTooMuch = log.kept > size + Math.max(SLACK, size / 4);
    const isTooOld = sinceMs > Math.max(MIN_TRIM_MS, ttlMs / 4) && log.isStale(before);
    if (this.#trimming || sinceMs < pauseMs || !(isTooMuch || isTooOld)) return;
    this.#trimming = true;
    this.#trimmedAt = clock.now();
    log.trim(stream, size, before).then(() => void (this.#failed = false), (error) => {
      this.#failed = true;
      return error;
    }).then((error) => {
      this.#trimming = false;
      onTrimmed(error);
    });
  }
}

/** If a message was not sent, it is certainly not kept, with any error. */
function certain(error: unknown): Error {
  return error instanceof RefusedError || error instanceof HubError
    ? error
    : new RefusedError((error as Error).message, undefined, { cause: error });
}
