/**
 * A history store in PostgreSQL, for one adapter or on its own.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { HubError } from "../../../contract/errors.ts";
import type { Position } from "../../../contract/mod.ts";
import { exceedsUtf8, utf8Size } from "../../../contract/values/utf8_size.ts";
import type {
  AppendOptions,
  HistoryContext,
  HistoryStore,
  ReadOptions,
  StoredPage,
} from "../../history_store.ts";
import type { Chunks } from "../../kit/chunks.ts";
import { inTime } from "../../kit/deadline.ts";
import { showable } from "../../kit/failure.ts";
import { nameOf, type NotifyChannels } from "../channels.ts";
import type { Dialer, Row } from "../connection.ts";
import { codeOf, isReply } from "../errors.ts";
import {
  type AskWithin,
  askWithin,
  ended,
  inMarked,
  isMarked,
  isNoRow,
  markIn,
  onlyAnswer,
  type PostgresTransaction,
} from "../transaction.ts";
import { Appending, holds } from "./appending.ts";
import { HistoryLink } from "./link.ts";
import type { HistorySettings } from "./options.ts";
import { type Append, Packing, parametersOf, readKept, readPosition, type Stored } from "./statement.ts";
import { beginStore } from "./tables.ts";

/** Options of {@linkcode PostgresStore}. */
export interface PostgresHistoryStoreOptions extends HistorySettings {
  readonly dialer: Dialer;
  readonly channels: NotifyChannels;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly maxMessageBytes: number;
  /** Splits large messages for notifications. Without it, there are no notifications. */
  readonly chunks?: Chunks;
}

/** Codes for statements that the server has undone to end a deadlock or a conflict. A retry solves that. */
const PASSING = /^(40P01|40001)$/;
/** The code for a lock that was not free in time. */
const LOCKED = "55P03";
/** How many portions a sweep removes at most. */
const MAX_PORTIONS = 32;
const EPOCH = /^[0-9a-f]{32}$/;

/** The history store in PostgreSQL. */
export class PostgresStore implements HistoryStore {
  readonly name = "postgres";
  readonly publishes: boolean;
  readonly transactions: boolean;
  readonly tellsKnown = true;
  readonly #options: PostgresHistoryStoreOptions;
  readonly #contexts = new Map<string, HistoryContext>();
  readonly #appending: Appending;
  readonly #append: string;
  /**
   * Like `#append`, but only in this store and in the marked transaction: the user's transaction may be in another
   * database, or over.
   */
  readonly #appendHere: string;
  readonly #read: string;
  readonly #sweep: string;
  #link: HistoryLink | undefined;
  /** A second connection, for topics that a transaction holds. Opened at the first such topic. */
  #patient: HistoryLink | undefined;
  #packing: Packing | undefined;
  /** Whether it was ever open. */
  #used = false;
  #told = false;
  #sweeping = false;

  /** @param options The options. */
  constructor(options: PostgresHistoryStoreOptions) {
    this.#options = options;
    const { schema, lockTimeoutMs, clock, chunks } = options;
    this.publishes = this.transactions = chunks !== undefined;
    const append = (root: string) =>
      `${schema}.history_append_v4(${root}, $2::text::boolean, $3, $4::text::double precision, $5, $6, $7::text[], ` +
      "$8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])";
    this.#append = `SELECT "position", known FROM ${append("$1")}`;
    this.#appendHere =
      `SELECT "position", known FROM ${schema}.history_stores s, LATERAL ${append("s.root")} ` +
      `WHERE s.root = $1 AND s.id = $17 AND ${inMarked("$18")}`;
    this.#read =
      `SELECT epoch, "offset", data, age FROM ${schema}.history_read_v2($1, $2, $3, $4::text::bigint, ` +
      "$5::text::bigint, $6::text::boolean)";
    this.#sweep = `SELECT gone FROM ${schema}.history_sweep_v2($1, $2)`;
    this.#appending = new Appending({
      clock,
      lockTimeoutMs,
      send: (appends) => this.#send(appends),
      sendPatiently: (appends) => this.#sendPatiently(appends),
      isPassing: (error) => PASSING.test(codeOf((error as { cause?: unknown }).cause) ?? ""),
    });
  }

  open(context: HistoryContext): void {
    this.#used = true;
    this.#contexts.set(context.nodeId, context);
    this.#packing ??= new Packing(this.#options.channels, context.nodeId, this.#options.chunks);
  }

  async append(channel: string, data: string, options: AppendOptions): Promise<Position> {
    const { signal, tx } = options;
    const append = this.#pack(channel, data, options);
    if (tx !== undefined) return await this.#appendWithin(tx as PostgresTransaction, append);
    this.#connection().start();
    return await this.#appending.append(append, signal);
  }

  async read(channel: string, options: ReadOptions = {}): Promise<StoredPage> {
    const { since, limit = Infinity, reverse = false, signal } = options;
    const [epoch, offset] = since ?? ["", 0];
    const known = since === undefined || (EPOCH.test(epoch) && Number.isSafeInteger(offset));
    const parameters = [
      this.#root,
      nameOf(channel),
      known ? epoch : "?",
      `${known ? offset : 0}`,
      `${Number.isFinite(limit) ? limit : -1}`,
      `${reverse}`,
    ];
    try {
      const link = this.#connection();
      const rows = await link.ask(this.#read, parameters, signal);
      if (rows.length > 0) return readPage(rows);
      // Another session has removed the row of the prefix.
      await link.ask(...this.#begin(), signal);
      return readPage(await link.ask(this.#read, parameters, signal));
    } catch (error) {
      throw this.#explained("UNAVAILABLE", "Cannot read a history in PostgreSQL", error);
    }
  }

  sweep(): void {
    if (!this.#link || this.#sweeping) return;
    this.#sweeping = true;
    this.#sweepAll(this.#link).catch((error) => {
      if (isReply(error)) {
        this.#report(this.#explained("UNAVAILABLE", "Cannot clean histories in PostgreSQL", error));
      }
    }).finally(() => this.#sweeping = false);
  }

  /** Removes portion after portion until nothing is left. Other statements run between the portions. */
  async #sweepAll(link: HistoryLink): Promise<void> {
    for (let portions = 0; portions < MAX_PORTIONS && this.#link === link; portions++) {
      const [row] = await link.ask(this.#sweep, [this.#root, crypto.randomUUID()]);
      if (!(Number(row?.gone) > 0)) return;
    }
  }

  async close(nodeId: string): Promise<void> {
    this.#contexts.delete(nodeId);
    if (this.#contexts.size > 0) return;
    const links = [this.#link, this.#patient];
    this.#link = this.#patient = undefined;
    this.#packing = undefined;
    this.#appending.detach();
    this.#appending.refuse(
      new HubError("UNAVAILABLE", "Cannot append to a history in PostgreSQL: the store is closed"),
    );
    await Promise.all(links.map((link) => link?.close()));
  }

  /**
   * Takes a notification of a stored message.
   *
   * @returns Whether a hub uses this store, or has used it.
   */
  heard(channel: string, { position, data, from }: Stored): boolean {
    for (const context of this.#contexts.values()) context.deliver(channel, position, data, from);
    return this.#used;
  }

  get #root(): string {
    return this.#options.channels.root;
  }

  #begin(): [statement: string, parameters: string[]] {
    return [beginStore(this.#options.schema), [this.#root, crypto.randomUUID(), crypto.randomUUID()]];
  }

  #connection(): HistoryLink {
    if (!this.#packing) {
      throw new HubError("UNAVAILABLE", "Cannot use the histories in PostgreSQL: the store is not open");
    }
    return this.#link ??= this.#connect();
  }

  #connect(): HistoryLink {
    return new HistoryLink({
      ...this.#options,
      root: this.#root,
      onUp: () => {
        this.#told = false;
        this.#appending.attach();
      },
      onDown: () => this.#appending.detach(),
      onFailure: ({ kind, error }) => {
        if (kind === "refused") {
          this.#appending.refuse(new HubError("UNAVAILABLE", error.message, { cause: error.cause }));
        }
        if (!this.#told) this.#report(error);
        this.#told = true;
      },
    });
  }

  #pack(channel: string, data: string, options: AppendOptions): Append {
    const { maxMessageBytes } = this.#options;
    this.#connection();
    if (exceedsUtf8(data, maxMessageBytes)) {
      const bytes = utf8Size(data);
      const what =
        `Cannot append ${bytes} bytes to a history in PostgreSQL: it takes at most ${maxMessageBytes}`;
      throw new HubError("TOO_LARGE", what, { data: { bytes, maxBytes: maxMessageBytes } });
    }
    return this.#packing!.pack(channel, data, options);
  }

  #parameters(appends: readonly Append[], within: boolean): string[] {
    const { forgetAfterMs, lockTimeoutMs } = this.#options;
    return [
      this.#root,
      `${within}`,
      `${lockTimeoutMs}`,
      `${forgetAfterMs}`,
      this.#packing!.from,
      crypto.randomUUID(),
      ...parametersOf(appends),
    ];
  }

  async #send(appends: readonly Append[]): Promise<readonly Row[]> {
    return await this.#sendBy(this.#link!, this.#parameters(appends, false));
  }

  async #sendPatiently(appends: readonly Append[]): Promise<readonly Row[]> {
    const { clock, lockTimeoutMs, answerTimeoutMs } = this.#options;
    this.#patient ??= new HistoryLink({
      ...this.#options,
      root: this.#root,
      answerTimeoutMs: answerTimeoutMs + lockTimeoutMs,
      onUp() {},
      onDown() {},
      onFailure() {}, // the other connection reports it
    });
    const notConnected = new AbortController();
    const cancel = clock.after(lockTimeoutMs, () => notConnected.abort(holds(lockTimeoutMs)));
    try {
      return await this.#sendBy(this.#patient, this.#parameters(appends, true), notConnected.signal);
    } finally {
      cancel();
    }
  }

  async #sendBy(
    link: HistoryLink,
    parameters: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly Row[]> {
    try {
      return await link.ask(this.#append, parameters, signal);
    } catch (error) {
      if (codeOf(error) === LOCKED) throw holds(this.#options.lockTimeoutMs);
      if (isReply(error)) {
        throw this.#explained("UNAVAILABLE", "Cannot append to a history in PostgreSQL", error);
      }
      throw this.#explained("UNCERTAIN", "PostgreSQL has not said whether a message was kept", error);
    }
  }

  /**
   * Appends within the user's transaction. Errors of its client are passed on unchanged, because the user knows that
   * client.
   */
  async #appendWithin(tx: PostgresTransaction, append: Append): Promise<Position> {
    if (!this.transactions) {
      throw new TypeError(
        "Cannot append within a transaction: only the store of createPostgresAdapter() notifies at the commit",
      );
    }
    const ask = askWithin(tx);
    const { clock, connectTimeoutMs } = this.#options;
    const link = this.#connection();
    try {
      // Waits before the statement: a failed statement would fail the transaction.
      await inTime(clock, connectTimeoutMs, link.prepared(), "The tables were not reached");
    } catch (error) {
      throw this.#explained("UNAVAILABLE", "Cannot append to a history in PostgreSQL", error);
    }
    const mark = await markIn(ask);
    for (let id = link.storeId;;) {
      const answer = await this.#askWithin(ask, append, id, mark);
      if (!isNoRow(answer)) return readPosition(onlyAnswer(answer, "position", /^[0-9a-f]{32}\.\d+$/));
      if (!await isMarked(ask, mark)) throw ended();
      // The transaction is in another database, or another session has changed the row of the prefix.
      const before = id;
      try {
        id = await link.findStoreId();
      } catch (error) {
        throw this.#explained("UNAVAILABLE", "Cannot append to a history in PostgreSQL", error);
      }
      if (id === before) throw elsewhere();
    }
  }

  async #askWithin(ask: AskWithin, append: Append, id: string, mark: string): Promise<unknown> {
    try {
      return await ask(this.#appendHere, [...this.#parameters([append], true), id, mark]);
    } catch (error) {
      throw codeOf(error) === LOCKED ? holds(this.#options.lockTimeoutMs) : error;
    }
  }

  #explained(code: "UNAVAILABLE" | "UNCERTAIN", what: string, error: unknown): unknown {
    if (error instanceof HubError) return error;
    const cause = Object.assign(showable(error, this.#options.dialer.secrets), { code: codeOf(error) });
    return new HubError(code, `${what}: ${cause.message}`, { cause });
  }

  #report(error: unknown): void {
    for (const { onError } of this.#contexts.values()) onError(error as Error, {});
  }
}

/** The error for a transaction in another database, where no node of the cluster listens. */
const elsewhere = (): TypeError =>
  new TypeError(
    "Cannot publish within this transaction: it is in another database than the adapter. Use the same database for both",
  );

function readPage([head, ...rows]: readonly Row[]): StoredPage {
  return {
    position: [String(head!.epoch), Number(head!.offset)],
    complete: head!.data === "true",
    records: rows.map(({ offset, data, age }) => ({
      offset: Number(offset),
      data: readKept(String(data)),
      ageMs: Number(age),
    })),
  };
}
