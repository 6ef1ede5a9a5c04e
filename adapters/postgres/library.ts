/**
 * The interface to a client library: it logs in over an open socket, and runs statements.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { ConnectionEvents, Row } from "./connection.ts";

/** A session after login. */
export interface Speaker {
  /** Runs statements without parameters and without results. */
  run(commands: string): Promise<unknown>;
  /** Runs a statement with parameters. The library prepares it once. */
  ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]>;
}

/** The login and the database. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** More startup parameters of the session. */
  readonly startup: Readonly<Record<string, string>>;
}

/** Events of a client library. */
export interface SpeakerEvents extends Pick<ConnectionEvents, "onNotification"> {
  /** The server's last error before it closes the connection, if the library passes it on. */
  onFatal(cause: unknown): void;
}

/**
 * A client library.
 *
 * @param socket An open socket, already encrypted if TLS is wanted.
 * @param login The login and the database.
 * @param events The callbacks.
 * @returns Resolves after login.
 */
export type Library = (socket: Socket, login: Login, events: SpeakerEvents) => Promise<Speaker>;
