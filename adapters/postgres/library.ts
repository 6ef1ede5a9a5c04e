/**
 * What a client library has to do: log in over a socket that is open, and speak.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { ConnectionEvents, Row } from "./connection.ts";

/** A session that is logged in. */
export interface Speaker {
  /** Does commands that give nothing back, without parameters. */
  run(commands: string): Promise<unknown>;
  /** Asks with parameters; the statement is prepared once. */
  ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]>;
}

/** Who logs in, and where. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** More parameters of the session's start. */
  readonly startup: Readonly<Record<string, string>>;
}

/** What a library tells. */
export interface SpeakerEvents extends Pick<ConnectionEvents, "onNotification"> {
  /** Why the server is about to close the connection, where the library tells. */
  onFatal(cause: unknown): void;
}

/**
 * A client library.
 *
 * @param socket A socket that is open, and encrypted where that is wanted.
 * @param login Whom to be.
 * @param events Whom to tell.
 * @returns Resolves when it is logged in.
 */
export type Library = (socket: Socket, login: Login, events: SpeakerEvents) => Promise<Speaker>;
