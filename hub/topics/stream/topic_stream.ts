/**
 * The messages of one topic on one node, from a store that all nodes share. They may arrive in any order, and are
 * delivered in the order of their offsets. Missing messages are read from the store.
 *
 * @module
 */

import type { HistoryStore, StoredPage, StoredRecord } from "../../../adapters/history_store.ts";
import type { Clock, Position } from "../../../contract/mod.ts";
import { isPromise, withDeadline } from "../../backplane/deadline.ts";
import type { KeptMessage } from "../../outbox/kept_message.ts";
import { Ahead } from "./ahead.ts";
import { hadUpTo, HeardSoFar } from "./heard_so_far.ts";
import { type DatedPage, strangeEpoch, unheardAfter } from "./new_epoch.ts";

/** How long an early message waits for the missing ones before they are read from the store, in milliseconds. */
const AHEAD_WAIT_MS = 20;
/** How many records one read returns. */
const PAGE = 64;
/** The delay after a read that failed or did not help, in milliseconds. It doubles each time, up to a limit. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 3_000;
/** After this many reads in a row that did not help, the missing messages are given up. */
const MAX_USELESS = 6;
/** How long early messages wait while the store cannot be read, in milliseconds. */
const MAX_HOLD_MS = 30_000;

/** The options of {@linkcode TopicStream}. */
export interface TopicStreamOptions {
  /** The topic's channel. */
  readonly channel: string;
  /** The store of the messages. */
  readonly store: HistoryStore;
  /** The clock. */
  readonly clock: Clock;
  /** How long a read may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Sends a message to the subscribers of this node. */
  deliver(message: KeptMessage): void;
  /** Tells these subscribers that messages are missing, and at which position the stream continues. */
  gap(position: Position): void;
  /**
   * The message of a record, for subscribers.
   *
   * @throws When it does not fit the contract.
   */
  message(record: StoredRecord): KeptMessage;
  /** The data that was delivered at a position, if it is remembered. */
  delivered(position: Position): string | undefined;
  /** Called with errors that no caller gets. */
  onError(error: unknown): void;
}

/** The stream of one topic on one node. */
export class TopicStream {
  readonly #options: TopicStreamOptions;
  #position: Position | undefined;
  readonly #heard = new HeardSoFar();
  #starting: Promise<Position> | undefined;
  /** The early messages. If one finds no room, it is read from the store later. */
  readonly #ahead = new Ahead();
  /** The epoch of messages that arrived before the stream's position was known. */
  #aheadEpoch: string | undefined;
  /** Whether the store must be read, also without early messages. */
  #behind = false;
  /** Whether a further read was asked for during a read. The page of that read may be too old. */
  #again = false;
  #repairing = false;
  #cancelWait: (() => void) | undefined;
  /** Ends the delay before the next read. */
  #wake: (() => void) | undefined;
  /** Whether the last read failed. */
  #isDown = false;
  /** The time since which early messages wait for a store that fails, by the clock. */
  #heldSince: number | undefined;
  /** The position of the first message with another epoch than the stream. */
  #strange: Position | undefined;
  /** Whether the last read showed the epoch before again. A replica that lags may still have it. */
  #isBack = false;
  /** Whether the stream may go back to the epoch before, because it is not a lagging replica that shows it. */
  #mayReturn = false;
  /** Whether it is looking for its position in a new epoch. */
  #moving = false;
  #closed = false;

  /** @param options Its options. */
  constructor(options: TopicStreamOptions) {
    this.#options = options;
  }

  /** The position of the last delivered message; `undefined` before the first read of the store. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Reads the last position from the store, once. All messages that are appended afterwards are delivered. */
  start(): Position | Promise<Position> {
    if (this.#position) return this.#position;
    if (this.#starting) return this.#starting;
    const dated = this.#read(undefined, 0);
    if (!isPromise(dated)) return this.#begin(dated.page.position);
    this.#starting = dated.then(({ page }) => this.#begin(page.position));
    return this.#starting;
  }

  /**
   * Takes a message that the store has kept.
   *
   * @param position Its position in the store.
   * @param message The message; `undefined` if it cannot be delivered. Then a gap is reported instead.
   * @param length Its length, in UTF-16 units.
   */
  take([epoch, offset]: Position, message: KeptMessage | undefined, length: number): void {
    if (this.#closed) return;
    const [current, last] = this.#position ?? [this.#aheadEpoch ??= epoch, 0];
    if (epoch !== current) {
      if (this.#strange?.[0] !== epoch || offset < this.#strange[1]) this.#strange = [epoch, offset];
      return this.#catchUp(); // the store decides which epoch is right
    }
    if (offset <= last || this.#moving) return;
    if (this.#position && offset === last + 1) {
      this.#advance(offset, message);
      return this.#drain();
    }
    if (this.#ahead.isFull(length)) {
      if (this.#repairing && this.#isDown && this.#ahead.size > 0) {
        while (this.#ahead.isFull(length) && this.#ahead.size > 0) this.#skipHole();
        return this.take([epoch, offset], message, length);
      }
      this.#behind = true;
    } else this.#ahead.add(offset, message, length);
    if (this.#position && !this.#repairing) this.#waitForOthers();
  }

  /** Reads missing messages from the store. With `kept`, only if the stream has not reached this position. */
  catchUp(kept?: Position): void {
    const [epoch, last = 0] = this.#position ?? [];
    if (this.#closed || !epoch && !this.#starting || kept && kept[0] === epoch && kept[1] <= last) return;
    this.#wake?.(); // the store may be back
    this.#catchUp();
  }

  /**
   * A client that reconnects gets a page. The client may be ahead of the stream. Returns the page.
   *
   * @param since The position that it had.
   * @param page The page.
   */
  shown(since: Position, page: StoredPage): StoredPage {
    const [epoch, offset = 0] = this.#position ?? [];
    const now = this.#options.clock.now();
    if (page.position[0] === epoch) this.#heard.show(hadUpTo(since, page), offset, now);
    return page;
  }

  /** Stops the stream. */
  close(): void {
    this.#closed = true;
    this.#cancelWait?.();
    this.#ahead.clear();
  }

  #begin(position: Position): Position {
    this.#position = position;
    this.#heard.at = this.#options.clock.now();
    if (this.#aheadEpoch !== undefined && this.#aheadEpoch !== position[0]) {
      this.#ahead.clear();
      this.#behind = true;
    }
    this.#drain();
    if (this.#needsRead && !this.#closed) this.#waitForOthers();
    return this.#position;
  }

  get #needsRead(): boolean {
    return this.#behind || this.#ahead.size > 0;
  }

  #advance(offset: number, message: KeptMessage | undefined): void {
    const { deliver, gap, onError, clock } = this.#options;
    this.#position = [this.#position![0], offset];
    this.#heard.at = clock.now();
    if (!message) return gap(this.#position);
    try {
      deliver(message);
    } catch (error) {
      onError(error);
      gap(this.#position);
    }
  }

  /** Delivers the early messages that come next. */
  #drain(): void {
    if (this.#ahead.size === 0) return;
    this.#ahead.passed(this.#position![1]);
    for (;;) {
      const next = this.#position![1] + 1;
      const early = this.#ahead.take(next);
      if (!early) break;
      this.#advance(next, early.message);
    }
    if (!this.#needsRead) this.#cancelWait?.();
  }

  /** Waits a moment before a read: the missing message of another publisher will often arrive by itself. */
  #waitForOthers(): void {
    if (this.#cancelWait) return;
    const cancel = this.#options.clock.after(AHEAD_WAIT_MS, () => {
      this.#cancelWait = undefined;
      if (this.#needsRead) void this.#repair();
    });
    this.#cancelWait = () => {
      this.#cancelWait = undefined;
      cancel();
    };
  }

  #catchUp(): void {
    this.#behind = this.#again = true;
    if (this.#position) void this.#repair();
  }

  /** Reads until no message is missing. Never rejects. */
  async #repair(): Promise<void> {
    if (this.#repairing) return;
    this.#repairing = true;
    this.#cancelWait?.();
    let useless = 0, failures = 0;
    while (this.#needsRead && !this.#closed) {
      this.#again = false;
      const from = this.#position!;
      try {
        const answer = this.#read(from, PAGE);
        const dated = isPromise(answer) ? await answer : answer;
        if (this.#closed) break;
        this.#isDown = false;
        this.#heldSince = undefined;
        failures = 0;
        const applied = this.#apply(dated, from);
        useless = (isPromise(applied) ? await applied : applied) ? 0 : useless + 1;
      } catch (error) {
        if (this.#closed) break;
        failures++;
        this.#fail(error);
      }
      if (failures === 0 && useless >= MAX_USELESS) this.#giveUp();
      const row = failures || useless;
      if (row > 0 && this.#needsRead) {
        await this.#pause(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (row - 1)));
      }
    }
    this.#repairing = false;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#options.clock.after(ms, () => this.#cancelWait?.());
      this.#wake = this.#cancelWait = () => {
        this.#wake = this.#cancelWait = undefined;
        stop();
        resolve();
      };
    });
  }

  /** A read has failed. This loses no message, but early messages wait only for a limited time. */
  #fail(error: unknown): void {
    if (!this.#isDown) this.#options.onError(error);
    this.#isDown = true;
    if (this.#ahead.size === 0) return void (this.#heldSince = undefined);
    const now = this.#options.clock.now();
    if (now - (this.#heldSince ??= now) < MAX_HOLD_MS) return;
    this.#heldSince = undefined;
    while (this.#ahead.size > 0) this.#skipHole();
  }

  #read(since: Position | undefined, limit: number): DatedPage | Promise<DatedPage> {
    const { store, channel, clock, timeoutMs } = this.#options;
    const what = `Cannot read the history of "${channel}" in ${store.name}`;
    const asked = clock.now();
    const page = withDeadline(
      clock,
      timeoutMs,
      what,
      (signal) => store.read(channel, { since, limit, signal }),
    );
    return isPromise(page) ? page.then((page) => ({ page, asked })) : { page, asked };
  }

  /** Takes a page of the store, read from a position on. Returns whether it has helped. */
  #apply(dated: DatedPage, from: Position): boolean | Promise<boolean> {
    const { page } = dated;
    const { position: [epoch, last], complete, records } = page;
    const before = this.#position!;
    this.#isBack = !this.#mayReturn && epoch !== before[0] && epoch === this.#heard.left?.[0];
    if (this.#isBack) return false;
    if (epoch !== before[0]) return this.#move(dated);
    if (this.#strange !== undefined) this.#tellStrange(epoch);
    if (last < before[1]) {
      if (from[0] !== epoch || last < from[1]) return false; // a replica that lags
      this.#behind = this.#again; // the stream went on during the read, so nothing was missing
      return true;
    }
    if (!complete) this.#skipTo([epoch, (records[0]?.offset ?? last + 1) - 1]);
    return this.#deliverAll(page, before);
  }

  /** Delivers the records of a page that were not delivered yet. */
  #deliverAll({ position: [epoch, last], records }: StoredPage, before: Position): boolean {
    for (const record of records) {
      const { offset } = record;
      if (offset <= this.#position![1]) continue;
      if (offset > this.#position![1] + 1) this.#skipTo([epoch, offset - 1]);
      this.#advance(offset, this.#messageOf(record));
    }
    this.#drain();
    if (this.#position![1] >= last) this.#behind = this.#again;
    return !this.#needsRead || this.#again || this.#position![0] !== before[0] ||
      this.#position![1] > before[1];
  }

  /** The store has begun a new epoch: continues there, after the messages that were delivered before. */
  #move(dated: DatedPage): boolean | Promise<boolean> {
    const { page: { position: [epoch, last], records } } = dated;
    const before = this.#position!;
    const { delivered, message } = this.#options;
    const { shown, left, farthest, at } = this.#heard;
    const isReturn = epoch === left?.[0];
    const goOn = (start: number | undefined): boolean => {
      if (start === undefined || this.#closed || this.#heard.shown !== shown) return false; // read again
      this.#ahead.clear();
      this.#strange = undefined;
      const oldest = records[0]?.offset ?? last + 1;
      this.#skipTo([epoch, Math.min(last, Math.max(start, oldest - 1, isReturn ? left![1] : 0))]);
      return this.#deliverAll(dated.page, before);
    };
    this.#moving = true;
    const strange = this.#strange;
    const heard = {
      upTo: isReturn ? last : this.#heard.upTo(before[1]),
      farthest,
      at,
      live: strange?.[0] === epoch ? strange[1] : Infinity,
      data: (offset: number) => isReturn ? undefined : delivered([before[0], offset]),
      message,
    };
    const start = unheardAfter(dated, heard, (since, limit) => this.#read(since, limit));
    if (isPromise(start)) return start.then(goOn).finally(() => this.#moving = false);
    this.#moving = false;
    return goOn(start);
  }

  #messageOf(record: StoredRecord): KeptMessage | undefined {
    try {
      return this.#options.message(record);
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }

  /** Moves to a position, and reports the messages between as lost. */
  #skipTo(position: Position): void {
    const [epoch, offset] = this.#position!;
    if (epoch === position[0] && position[1] <= offset) return;
    if (epoch !== position[0]) {
      this.#heard.leave(this.#position!);
      this.#mayReturn = false;
    }
    this.#position = position;
    this.#options.gap(position);
  }

  /** The store does not have the missing messages. */
  #giveUp(): void {
    if (this.#isBack) {
      this.#isBack = false;
      this.#mayReturn = true; // all reads show that epoch: the next read accepts it
      return;
    }
    this.#behind = false;
    if (this.#ahead.size === 0) return this.#options.gap(this.#position!);
    this.#skipHole();
  }

  /** Gives up the messages before the first early one, and delivers the early ones. */
  #skipHole(): void {
    this.#skipTo([this.#position![0], this.#ahead.first - 1]);
    this.#drain();
  }

  #tellStrange(epoch: string): void {
    const { channel, store, onError } = this.#options;
    onError(strangeEpoch(channel, store.name, this.#strange![0], epoch));
    this.#strange = undefined;
  }
}
