/**
 * Tests a server on a separate connection before the client library connects. The test shows whether the server
 * answers, speaks NATS, speaks TLS with a trusted certificate, and accepts the login.
 *
 * `nats` 2 alone has two faults. First: a server may accept a connection and send nothing, because it hangs or a proxy
 * drops everything. Then `nats` gives up in time but leaves the socket open, and the process does not end. Second: a
 * server may refuse the credentials and reset the connection in the same turn. Then the error finds a socket without
 * listeners, and ends the process.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Authenticator } from "nats";
import type { ServerAddress } from "./servers.ts";

/** The server is not a NATS server, or not of the expected kind. */
export class ForeignServerError extends Error {
  override readonly name = "ForeignServerError";
}

/** The server refuses, and says why. */
export class ServerError extends Error {
  override readonly name = "ServerError";
}

/** How to test a server. */
export interface PreflightOptions {
  /** Ends the test. */
  readonly signal: AbortSignal;
  /** How long the test may take. */
  readonly timeoutMs: number;
  /** Options of TLS, as the platform takes them. */
  readonly tls: object;
  /** Whether TLS is required. */
  readonly tlsWanted: boolean;
  /** Makes the login. */
  readonly authenticator: Authenticator | undefined;
}

/**
 * Tests a server.
 *
 * @param address The server.
 * @param options How.
 * @returns Whether the server needs TLS. Rejects with the cause if the server cannot be used.
 */
export async function preflight(
  address: ServerAddress,
  options: PreflightOptions,
): Promise<{ tls: boolean }> {
  const visit = new Visit(address, options);
  try {
    return { tls: await logIn(visit, options) };
  } finally {
    await visit.end();
  }
}

/** Logs in, and returns whether the server needs TLS. */
async function logIn(visit: Visit, { tls, tlsWanted, authenticator }: PreflightOptions): Promise<boolean> {
  const info = readInfo(await visit.line());
  const secured = tlsWanted || info.tls_required === true;
  if (secured) {
    if (!info.tls_required && !info.tls_available) throw new ForeignServerError("it does not speak TLS");
    await visit.secure(tls);
  }
  const login = { verbose: false, pedantic: false, lang: "trunkline", version: "1", protocol: 1 };
  visit.say(`CONNECT ${JSON.stringify({ ...login, ...authenticator?.(info.nonce) })}\r\nPING\r\n`);
  for (;;) {
    const line = await visit.line();
    if (line.startsWith("-ERR")) throw new ServerError(line.slice("-ERR".length).trim());
    if (line === "PONG") return secured;
  }
}

interface Info {
  readonly tls_required?: boolean;
  readonly tls_available?: boolean;
  readonly nonce?: string;
}

const MARK = "INFO ";

/** Longer than any line of a NATS server. A longer line comes from something else. */
const MAX_LINE_LENGTH = 256 * 1024;

function readInfo(line: string): Info {
  try {
    const info: unknown = JSON.parse(line.slice(MARK.length));
    if (typeof info !== "object" || info === null) throw new TypeError("It is not an object");
    return info;
  } catch (cause) {
    throw new ForeignServerError("the server there does not speak NATS", { cause });
  }
}

/** One connection, line by line. */
class Visit {
  readonly #options: PreflightOptions;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #failure: PromiseWithResolvers<never> = Promise.withResolvers();
  readonly #socket: Socket;
  readonly #gone: Promise<void>;
  /** The socket, or TLS over it. */
  #stream: Socket;
  #text = "";
  #greeted = false;
  #arrived: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor({ hostname, port }: ServerAddress, options: PreflightOptions) {
    const { signal, timeoutMs } = options;
    this.#options = options;
    this.#failure.promise.catch(() => {});
    this.#timer = setTimeout(() => {
      const perhaps = this.#greeted ? "" : ", and NATS speaks first; check the address";
      this.#fail(new Error(`it sent nothing for ${timeoutMs} ms${perhaps}`));
    }, timeoutMs);
    signal.addEventListener("abort", this.#abort);
    this.#socket = connect({ host: hostname, port });
    this.#stream = this.#socket;
    this.#gone = new Promise((resolve) => this.#socket.once("close", () => resolve()));
    this.#watch(this.#socket);
    this.#read();
    if (signal.aborted) this.#abort();
  }

  /** The next line. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      await Promise.race([this.#arrived.promise, this.#failure.promise]);
    }
  }

  say(text: string): void {
    this.#stream.write(text);
  }

  /** Switches to TLS. */
  async secure(options: object): Promise<void> {
    this.#socket.removeAllListeners("data");
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#stream = connectTls({ ...options, socket: this.#socket }, resolve);
    this.#watch(this.#stream);
    await Promise.race([done, this.#failure.promise]);
    this.#read();
  }

  /** Ends it. Resolves when the socket is gone. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener("abort", this.#abort);
    this.#stream.destroy();
    this.#socket.destroy();
    await this.#gone;
  }

  readonly #abort = (): void => this.#fail(this.#options.signal.reason);

  #fail(error: unknown): void {
    this.#failure.reject(error);
  }

  #watch(stream: Socket): void {
    stream.on("error", (error) => this.#fail(error));
    stream.on("close", () => this.#fail(new Error("it closed the connection at once")));
  }

  #read(): void {
    const decoder = new TextDecoder("latin1");
    this.#stream.on("data", (bytes: string | Uint8Array<ArrayBuffer>) => {
      this.#text += typeof bytes === "string" ? bytes : decoder.decode(bytes, { stream: true });
      if (this.#text.length > MAX_LINE_LENGTH) return this.#failForeign();
      // Other servers may send anything, and never end a line.
      const start = this.#text.slice(0, MARK.length);
      if (!this.#greeted && !MARK.startsWith(start)) return this.#failForeign();
      this.#greeted ||= start === MARK;
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    });
  }

  #failForeign(): void {
    const cause = new Error(`It starts with ${JSON.stringify(this.#text.slice(0, 20))}`);
    this.#fail(new ForeignServerError("the server there does not speak NATS", { cause }));
  }
}
