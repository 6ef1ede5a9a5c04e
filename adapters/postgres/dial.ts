/**
 * Creates connections: opens a socket, logs in with a client library, and sets up the session.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Role } from "../kit/engine.ts";
import { orAborted } from "../kit/or_aborted.ts";
import {
  type Connection,
  type ConnectionEvents,
  type Dialer,
  prepareSession,
  type Row,
} from "./connection.ts";
import { ConnectError } from "./errors.ts";
import type { Library, Speaker } from "./library.ts";
import { closeSocket, openSocket } from "./socket.ts";
import { type Address, formatAddress, type Target } from "./target.ts";

/** How many of the latest passwords from the password function are kept out of errors. */
const MAX_PASSWORDS = 4;

/** Creates connections over sockets. */
export class SocketDialer implements Dialer {
  readonly #target: Target;
  readonly #library: Library;
  /** The fixed secrets of the options, which no error may contain. */
  readonly #fixedSecrets: readonly string[];
  /** The latest passwords from the password function: of the current connections, and of some earlier ones. */
  #passwords: readonly string[] = [];
  /** The index of the address to try next. */
  #next = 0;
  /** The address that was tried last. */
  #tried: Address;

  /**
   * @param target The addresses and the login.
   * @param library The client library.
   */
  constructor(target: Target, library: Library) {
    this.#target = target;
    this.#tried = target.addresses[0]!;
    this.#library = library;
    const { password, tls } = target;
    this.#fixedSecrets = [password, tls?.key, tls?.passphrase].filter((secret) => typeof secret === "string");
  }

  get address(): string {
    return `${formatAddress(this.#tried)}/${this.#target.database}`;
  }

  get secrets(): readonly string[] {
    return [...this.#fixedSecrets, ...this.#passwords];
  }

  async connect(_role: Role, events: ConnectionEvents, signal: AbortSignal): Promise<Connection> {
    const { addresses } = this.#target;
    const address = this.#tried = addresses[this.#next]!;
    try {
      return await this.#connect(address, events, signal);
    } catch (error) {
      // With several servers, another one may be the primary by now. Both connections then use the next server.
      if (address === addresses[this.#next]) this.#next = (this.#next + 1) % addresses.length;
      throw error;
    }
  }

  async #connect(address: Address, events: ConnectionEvents, signal: AbortSignal): Promise<Connection> {
    const { database, user, startup, tls } = this.#target;
    const password = await this.#password(signal);
    let foreign: ConnectError | undefined;
    const socket = await openSocket(address, tls, signal, (error) => foreign = error);
    const link = new Link(socket, events);
    const abort = () => void link.destroy();
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      await link.login(this.#library(socket, { ...address, database, user, password, startup }, {
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

  async #password(signal: AbortSignal): Promise<string | undefined> {
    const { password } = this.#target;
    if (typeof password !== "function") return password;
    // The function may fail again and again, or never return. So its result is awaited only until the signal aborts.
    const given: unknown = await orAborted((async () => await password())(), signal);
    if (typeof given !== "string") {
      throw new ConnectError("refused", "the function for the password gave no text");
    }
    this.#passwords = [given, ...this.#passwords.filter((known) => known !== given)].slice(0, MAX_PASSWORDS);
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
    await prepareSession((statement, parameters) => this.#orLost(speaker.ask(statement, parameters)));
    this.#speaker = speaker;
  }

  heard(channel: string, payload: string): void {
    this.#events?.onNotification(channel, payload);
  }

  /** The connection is about to close: its socket closes next. */
  dies(cause: unknown): void {
    this.#cause ??= cause;
  }

  async listen(channels: readonly string[]): Promise<void> {
    await this.#run(channels.map((channel) => `LISTEN "${channel}"`));
  }

  async unlisten(channels: readonly string[]): Promise<void> {
    await this.#run(channels.map((channel) => `UNLISTEN "${channel}"`));
  }

  async ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]> {
    return await this.#orLost(this.#speaker!.ask(statement, parameters));
  }

  async destroy(): Promise<void> {
    this.#events = undefined;
    this.#cause ??= new Error("it was closed meanwhile");
    await closeSocket(this.#socket);
  }

  async #run(commands: readonly string[]): Promise<void> {
    await this.#orLost(this.#speaker!.run(commands.join("; ")));
  }

  /** A library may not notice that its socket has closed. */
  async #orLost<T>(answer: PromiseLike<T>): Promise<T> {
    const answered = Promise.resolve(answer);
    answered.catch(() => {}); // it may reject when no caller waits any more
    try {
      return await Promise.race([answered, this.#lost.promise]);
    } catch (error) {
      throw this.#cause === undefined || isAnswer(error) ? error : this.#cause;
    }
  }
}

const isAnswer = (error: unknown): boolean => error instanceof Error && "severity" in error;
