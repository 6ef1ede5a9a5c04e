/**
 * The connection of a store of histories: made when it is first needed, and anew whenever it is lost.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import { HubError } from "../../../contract/errors.ts";
import { answerOrSilence } from "../../kit/deadline.ts";
import type { Failure } from "../../kit/failure.ts";
import { Keeper } from "../../kit/keeper.ts";
import { orAborted } from "../../kit/or_aborted.ts";
import type { Connection, Dialer, Row } from "../connection.ts";
import { codeOf, ConnectError, isReply, postgresFailure } from "../errors.ts";
import { beginStore, fingerprint, LOOK, postgresHistorySql, storeId } from "./tables.ts";

/** What {@linkcode HistoryLink} needs. */
export interface HistoryLinkOptions {
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** What the rows of the prefix have as their root. */
  readonly root: string;
  readonly schema: string;
  readonly createTables: boolean;
  readonly connectTimeoutMs: number;
  /** How long there may be no answer to any statement before the connection counts as dead, in milliseconds. */
  readonly answerTimeoutMs: number;
  /** How long a statement may wait for a lock, in milliseconds. */
  readonly lockTimeoutMs: number;
  onUp(): void;
  onDown(): void;
  /** No connection could be made. */
  onFailure(failure: Failure): void;
}

/** What the server says where a right is missing. */
const NO_RIGHT = "42501";

/** Codes of a server that cannot be worked with as it is: it only reads, or tables are gone. Another connection may mend that. */
const USELESS = /^(25006|42P01|42883|3F000)$/;

/**
 * A session waits as long as it was told to, and for the disk as its server does: the adapter's other connections have that switched
 * off.
 */
const PREPARE = "SELECT set_config('lock_timeout', $1, false), " +
  "set_config('synchronous_commit', (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), false)";

/** See the module. */
export class HistoryLink {
  readonly #options: HistoryLinkOptions;
  readonly #keeper: Keeper<Connection>;
  #up = Promise.withResolvers<Connection>();
  /** Whether the tables are there, and whoever waits to know. */
  #prepared = Promise.withResolvers<void>();
  #isPrepared = false;
  #storeId = "";
  /** When there was an answer last, by the clock. */
  #answeredAt = -Infinity;

  /** @param options What it needs. */
  constructor(options: HistoryLinkOptions) {
    this.#options = options;
    const { clock, connectTimeoutMs, answerTimeoutMs, dialer } = options;
    this.#quiet();
    this.#keeper = new Keeper<Connection>({
      clock,
      connectTimeoutMs,
      answerTimeoutMs,
      connect: (onLost, signal) => dialer.connect("publisher", { onNotification() {}, onLost }, signal),
      destroy: (connection) => connection.destroy(),
      prepare: (connection, within) => within(this.#prepare(connection), "It does not answer"),
      onUp: (connection) => {
        this.#isPrepared = true;
        this.#prepared.resolve();
        this.#up.resolve(connection);
        options.onUp();
      },
      onDown: () => {
        this.#up = Promise.withResolvers();
        this.#quiet();
        options.onDown();
      },
      onFailure: (cause) => {
        const failure = this.#judge(cause);
        if (failure.kind === "refused") this.#refuse(failure.error);
        options.onFailure(failure);
        return failure.kind;
      },
    });
  }

  /** Begins to connect, if that has not begun. */
  start(): void {
    this.#keeper.start();
  }

  /** Resolves when the tables are there. */
  async prepared(): Promise<void> {
    this.start();
    if (!this.#isPrepared) await this.#prepared.promise;
  }

  /** Which store of the prefix it has found last. */
  get storeId(): string {
    return this.#storeId;
  }

  /** Looks which store of the prefix it is by now. */
  async findStoreId(): Promise<string> {
    const { root, schema } = this.#options;
    const [row] = await this.ask(storeId(schema), [root]);
    return this.#storeId = String(row?.id ?? "");
  }

  /** Asks as soon as there is a connection. */
  async ask(statement: string, parameters: readonly string[], signal?: AbortSignal): Promise<readonly Row[]> {
    this.start();
    const connection = this.#keeper.link ?? await orAborted(this.#up.promise, signal);
    const { clock, answerTimeoutMs } = this.#options;
    try {
      // Statements wait for those before them: as long as these are answered, nothing is wrong.
      const asked = connection.ask(statement, parameters).finally(() => this.#answeredAt = clock.now());
      const answer = await answerOrSilence(clock, answerTimeoutMs, asked, () => this.#answeredAt);
      if (answer === "silent") throw new Error(`It has not answered within ${answerTimeoutMs} ms`);
      return answer;
    } catch (error) {
      // What was lost, or has no answer, is of no use either.
      if (!isReply(error) || USELESS.test(codeOf(error) ?? "")) {
        this.#keeper.drop(connection, error as Error);
      }
      throw error;
    }
  }

  /** Ends for good. */
  async close(): Promise<void> {
    const error = new HubError("UNAVAILABLE", "Cannot use the histories in PostgreSQL: the store is closed");
    this.#refuse(error);
    this.#up.reject(error);
    await this.#keeper.close();
  }

  /** Whoever waits is told; who comes later waits for the next attempt. */
  #refuse(error: Error): void {
    if (this.#isPrepared) return;
    this.#prepared.reject(error);
    this.#up.reject(error);
    this.#prepared = Promise.withResolvers();
    this.#up = Promise.withResolvers();
    this.#quiet();
  }

  /** It may be that nobody waits. */
  #quiet(): void {
    this.#prepared.promise.catch(() => {});
    this.#up.promise.catch(() => {});
  }

  async #prepare(connection: Connection): Promise<void> {
    try {
      await this.#makeReady(connection);
    } catch (cause) {
      if (codeOf(cause) !== NO_RIGHT) throw cause;
      throw new ConnectError(
        "refused",
        `this user may not use or make the tables of histories in the schema ${this.#options.schema}; grant it CREATE on the ` +
          "database, or run what postgresHistorySql() gives as somebody who may, grant it USAGE on the schema and SELECT, INSERT, " +
          "UPDATE, DELETE on the tables, and set createTables: false",
        cause,
      );
    }
  }

  async #makeReady(connection: Connection): Promise<void> {
    const { root, schema, lockTimeoutMs } = this.#options;
    const [{ tables, functions } = {}] = await connection.ask(LOOK, [schema]);
    const complete = tables === "true" && typeof functions === "string";
    if (!complete && !this.#options.createTables) {
      throw new ConnectError(
        "refused",
        `the tables of histories are not in the schema ${schema}; run what postgresHistorySql() gives`,
      );
    }
    if (functions !== fingerprint(schema) && this.#options.createTables) {
      await connection.ask(postgresHistorySql({ schema }), []).catch((error) => {
        // Those of another version do as well, where this user may not replace them.
        if (!complete || codeOf(error) !== NO_RIGHT) throw error;
      });
    }
    await connection.ask(PREPARE, [`${lockTimeoutMs}`]);
    await connection.ask(beginStore(schema), [root, crypto.randomUUID(), crypto.randomUUID()]);
    const [row] = await connection.ask(storeId(schema), [root]);
    this.#storeId = String(row?.id ?? "");
  }

  #judge(cause: unknown): Failure {
    const { dialer } = this.#options;
    return postgresFailure(cause, `PostgreSQL at ${dialer.address}, for histories`, dialer.secrets);
  }
}
