/**
 * The connection of a history store: opened when it is first needed, and replaced whenever it is lost.
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

/** Options of {@linkcode HistoryLink}. */
export interface HistoryLinkOptions {
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** The root of the prefix in the tables. */
  readonly root: string;
  readonly schema: string;
  readonly createTables: boolean;
  readonly connectTimeoutMs: number;
  /** How long all statements may be without an answer before the connection counts as dead, in milliseconds. */
  readonly answerTimeoutMs: number;
  /** How long a statement may wait for a lock, in milliseconds. */
  readonly lockTimeoutMs: number;
  onUp(): void;
  onDown(): void;
  /** A connection attempt has failed. */
  onFailure(failure: Failure): void;
}

/** The server's code for a missing privilege. */
const NO_RIGHT = "42501";

/** Codes of a server that cannot be used as it is: it is read-only, or tables are gone. A new connection may solve that. */
const USELESS = /^(25006|42P01|42883|3F000)$/;

/**
 * Sets the lock timeout. Sets `synchronous_commit` back to the server's own value, so that commits wait for the disk as
 * usual. The adapter's other connections have it switched off.
 */
const PREPARE = "SELECT set_config('lock_timeout', $1, false), " +
  "set_config('synchronous_commit', (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), false)";

/** See the module. */
export class HistoryLink {
  readonly #options: HistoryLinkOptions;
  readonly #keeper: Keeper<Connection>;
  #up = Promise.withResolvers<Connection>();
  /** Whether the tables are there, with a promise for callers that wait for them. */
  #prepared = Promise.withResolvers<void>();
  #isPrepared = false;
  #storeId = "";
  /** When the server last answered, by the clock. */
  #answeredAt = -Infinity;

  /** @param options The options. */
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

  /** Starts to connect, if it has not started yet. */
  start(): void {
    this.#keeper.start();
  }

  /** Resolves when the tables are there. */
  async prepared(): Promise<void> {
    this.start();
    if (!this.#isPrepared) await this.#prepared.promise;
  }

  /** The id of the store that was found last. */
  get storeId(): string {
    return this.#storeId;
  }

  /** Reads the current id of the store from the database. */
  async findStoreId(): Promise<string> {
    const { root, schema } = this.#options;
    const [row] = await this.ask(storeId(schema), [root]);
    return this.#storeId = String(row?.id ?? "");
  }

  /** Runs a statement as soon as there is a connection. */
  async ask(statement: string, parameters: readonly string[], signal?: AbortSignal): Promise<readonly Row[]> {
    this.start();
    const connection = this.#keeper.link ?? await orAborted(this.#up.promise, signal);
    const { clock, answerTimeoutMs } = this.#options;
    try {
      // Statements wait for earlier statements. As long as any statement gets an answer, the connection lives.
      const asked = connection.ask(statement, parameters).finally(() => this.#answeredAt = clock.now());
      const answer = await answerOrSilence(clock, answerTimeoutMs, asked, () => this.#answeredAt);
      if (answer === "silent") throw new Error(`It has not answered within ${answerTimeoutMs} ms`);
      return answer;
    } catch (error) {
      // Drops a connection that is lost, does not answer, or cannot be used.
      if (!isReply(error) || USELESS.test(codeOf(error) ?? "")) {
        this.#keeper.drop(connection, error as Error);
      }
      throw error;
    }
  }

  /** Closes the connection for good. */
  async close(): Promise<void> {
    const error = new HubError("UNAVAILABLE", "Cannot use the histories in PostgreSQL: the store is closed");
    this.#refuse(error);
    this.#up.reject(error);
    await this.#keeper.close();
  }

  /** Rejects all calls that wait now. Later calls wait for the next attempt. */
  #refuse(error: Error): void {
    if (this.#isPrepared) return;
    this.#prepared.reject(error);
    this.#up.reject(error);
    this.#prepared = Promise.withResolvers();
    this.#up = Promise.withResolvers();
    this.#quiet();
  }

  /** Without waiting calls, a rejection would be unhandled. */
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
        `this user may not use or create the history tables in the schema ${this.#options.schema}; grant it CREATE on the ` +
          "database, or run the SQL of postgresHistorySql() as another user, grant this user USAGE on the schema and SELECT, INSERT, " +
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
        `the history tables are not in the schema ${schema}; run the SQL of postgresHistorySql()`,
      );
    }
    if (functions !== fingerprint(schema) && this.#options.createTables) {
      await connection.ask(postgresHistorySql({ schema }), []).catch((error) => {
        // Functions of another version work too, so a user without the right to replace them may go on.
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
