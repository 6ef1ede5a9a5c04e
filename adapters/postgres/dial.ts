/**
 * Making connections: a socket, a client library that logs in over it, and the session's settings.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Connection, ConnectionEvents, Library, Row, Speaker } from "./connection.ts";
import { ConnectError } from "./errors.ts";
import { closeSocket, openSocket } from "./socket.ts";
import { addressOf, type Target } from "./target.ts";

/**
 * How long the server keeps a connection that takes nothing it is sent, in milliseconds. What a node does not read stays in
 * the notify queue of all, and PostgreSQL itself would wait for hours.
 */
const UNREAD_MS = 30_000;

/** What is asked of a session, where the server's version knows it. */
const SETTINGS: Readonly<Record<string, string>> = {
  // A notification is not kept over a crash: nobody has to wait for the disk, nor for replicas.
  synchronous_commit: "off",
  // A session that only listens is idle.
  idle_session_timeout: "0",
  tcp_user_timeout: String(UNREAD_MS),
};

const names = Object.keys(SETTINGS).map((_, i) => `($${2 * i + 1}, $${2 * i + 2})`).join();
const PREPARE_SESSION = `SELECT current_setting('server_encoding') AS encoding, ` +
  `count(set_config(s.name, v.value, false)) FROM (VALUES ${names}) AS v(name, value) ` +
  `LEFT JOIN pg_settings s ON s.name = v.name`;

/** Makes connections to one database. */
export class Dialer {
  /** Where they lead, without credentials. */
  readonly address: string;
  readonly #target: Target;
  readonly #library: Library;
  /** What was said to be the password: none of it may be told. */
  readonly #secrets = new Set<string>();

  /**
   * @param target Where to, and as whom.
   * @param library What speaks.
   */
  constructor(target: Target, library: Library) {
    this.address = addressOf(target);
    this.#target = target;
    this.#library = library;
    const { password, tls } = target;
    for (const secret of [password, tls?.key, tls?.passphrase]) {
      if (typeof secret === "string") this.#secrets.add(secret);
    }
  }

  /** What no error may tell. */
  get secrets(): readonly string[] {
    return [...this.#secrets];
  }

  /**
   * Makes a connection. When it rejects nothing is left behind.
   *
   * @param events Whom to tell.
   * @param signal Ends the attempt.
   */
  async connect(events: ConnectionEvents, signal: AbortSignal): Promise<Connection> {
    const password = await this.#password();
    let foreign: ConnectError | undefined;
    const socket = await openSocket(this.#target, signal, (error) => foreign = error);
    const link = new Link(socket, events);
    const abort = () => void link.destroy();
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      const login = { target: this.#target, password };
      await link.login(this.#library(socket, login, {
        onNotification: (channel, payload) => link.heard(channel, payload),
        onFatal: (cause) => link.dies(cause),
      }));
      return link;
    } catch (error) {
      await link.destroy();
      signal.throwIfAborted();
      throw foreign ?? error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #password(): Promise<string | undefined> {
    const { password } = this.#target;
    if (typeof password !== "function") return password;
    const given: unknown = await password();
    if (typeof given !== "string") {
      throw new ConnectError("refused", "the function for the password gave no text");
    }
    // Only those of now and of the connection before it can still be in what a library says.
    if (this.#secrets.size > 4) this.#secrets.clear();
    this.#secrets.add(given);
    return given;
  }
}

class Link implements Connection {
  readonly #socket: Socket;
  readonly #lost = Promise.withResolvers<never>();
  #events: ConnectionEvents | undefined;
  #speaker: Speaker | undefined;
  #cause: unknown;

  constructor(socket: Socket, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#lost.promise.catch(() => {});
    socket.on("error", (error) => this.dies(error));
    socket.on("close", () => {
      this.#cause ??= new Error("the connection was closed");
      this.#lost.reject(this.#cause);
      const events = this.#speaker && this.#events;
      this.#events = undefined;
      events?.onLost(this.#cause);
    });
  }

  async login(speaking: Promise<Speaker>): Promise<void> {
    const speaker = await this.#orLost(speaking);
    const [row] = await this.#orLost(speaker.ask(PREPARE_SESSION, Object.entries(SETTINGS).flat()));
    const encoding = String(row?.encoding);
    if (encoding !== "UTF8" && encoding !== "SQL_ASCII") {
      throw new ConnectError(
        "refused",
        `the database is encoded in ${encoding}, which has no place for all of Unicode; use one in UTF8`,
      );
    }
    this.#speaker = speaker;
  }

  heard(channel: string, payload: string): void {
    this.#events?.onNotification(channel, payload);
  }

  /** Something ends it, or has done so; its socket closes next. */
  dies(cause: unknown): void {
    this.#cause ??= cause;
  }

  async run(commands: string): Promise<void> {
    await this.#orLost(this.#speaker!.run(commands));
  }

  async ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]> {
    return await this.#orLost(this.#speaker!.ask(statement, parameters));
  }

  async destroy(): Promise<void> {
    this.#events = undefined;
    this.#cause ??= new Error("it was closed meanwhile");
    await closeSocket(this.#socket);
  }

  /** A library need not notice what becomes of its socket. */
  async #orLost<T>(answer: PromiseLike<T>): Promise<T> {
    const answered = Promise.resolve(answer);
    answered.catch(() => {}); // it may fail when nobody waits any more
    try {
      return await Promise.race([answered, this.#lost.promise]);
    } catch (error) {
      throw this.#cause === undefined || isAnswer(error) ? error : this.#cause;
    }
  }
}

const isAnswer = (error: unknown): boolean => error instanceof Error && "severity" in error;
