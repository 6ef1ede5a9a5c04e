/**
 * Making connections: a socket, a client library that logs in over it, and the session's settings.
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

/** How many passwords of a function are kept from being told. */
const MAX_PASSWORDS = 4;

/** Makes connections over sockets. */
export class SocketDialer implements Dialer {
  readonly #target: Target;
  readonly #library: Library;
  /** What was given once and for all, and may not be told. */
  readonly #fixedSecrets: readonly string[];
  /** The passwords that the function gave last: of the connections of now, and of those before. */
  #passwords: readonly string[] = [];
  /** Which of the addresses is tried next. */
  #next = 0;
  /** The one that was tried last. */
  #tried: Address;

  /**
   * @param target Where to, and as whom.
   * @param library What speaks.
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
      // Of several servers another one may be the primary by now. Both connections go on together.
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
    // In vain it may be asked for again and again; it may also never answer.
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

  /** Something ends it, or has done so; its socket closes next. */
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
