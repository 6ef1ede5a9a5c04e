/**
 * One connection to PostgreSQL, whatever client library speaks over it. It lives once: lost is lost, and a new one takes its
 * place.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Target } from "./target.ts";

/** What a connection tells. */
export interface ConnectionEvents {
  /** A notification of a channel that it listens to. */
  onNotification(channel: string, payload: string): void;
  /** It is gone. Called once, and only after it was made. */
  onLost(cause: unknown): void;
}

/** A row of an answer. */
export type Row = Readonly<Record<string, unknown>>;

/** A connection that takes commands, one after the other. */
export interface Connection {
  /** Does commands that give nothing back, without parameters: `LISTEN`. */
  run(commands: string): Promise<void>;
  /** Asks with parameters; the statement is prepared once. Rejects when the server refuses, or the connection is lost. */
  ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]>;
  /** Ends it at once. Resolves when its socket is closed; never rejects. */
  destroy(): Promise<void>;
}

/** What a client library has to do: log in over a socket that is open, and speak. */
export interface Speaker {
  run(commands: string): Promise<unknown>;
  ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]>;
}

/** Who logs in. */
export interface Login {
  readonly target: Target;
  readonly password: string | undefined;
}

/**
 * A client library.
 *
 * @param socket A socket that is open, and encrypted where that is wanted.
 * @param login Whom to be.
 * @param events `onFatal` hears why the server is about to close the connection, where the library tells.
 * @returns Resolves when it is logged in.
 */
export type Library = (
  socket: Socket,
  login: Login,
  events: Pick<ConnectionEvents, "onNotification"> & { onFatal(cause: unknown): void },
) => Promise<Speaker>;

/** The name that connections have in `pg_stat_activity`. */
export const APPLICATION_NAME = "trunkline";
