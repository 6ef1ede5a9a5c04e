/**
 * Connects to one of several RabbitMQ servers.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { inTime } from "../kit/deadline.ts";
import type { FailureKind } from "../kit/failure.ts";
import { loadLibrary } from "../kit/library.ts";
import { shuffled } from "../kit/shuffle.ts";
import { formatAddress, type RabbitMqTlsOptions, type ServerAddress } from "./addresses.ts";
import { type AmqpConnection, type Connect, connector } from "./connection.ts";
import { type ConnectError, connectError } from "./errors.ts";

/** What a dialer has to know. */
export interface DialerOptions {
  readonly addresses: readonly ServerAddress[];
  /** TLS options, where it is wanted. */
  readonly tls: RabbitMqTlsOptions | undefined;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  /** How long one server may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** What a connection is made for. */
export interface Purpose<L> {
  /** What operators see of it. */
  readonly name: string;
  /** The connection is gone. */
  onLost(cause: unknown): void;
  /** Makes it of use. */
  prepare(connection: AmqpConnection): Promise<L>;
}

/** Makes connections. */
export class Dialer {
  readonly #options: DialerOptions;
  #loading: Promise<Connect> | undefined;

  /** @param options Where and how. */
  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** Where it connects to. */
  get address(): string {
    return this.#options.addresses.map(formatAddress).join(", ");
  }

  /** What no error may tell. */
  get secrets(): readonly string[] {
    const { password } = this.#options;
    // That everybody knows, and errors may well be about the user of that name.
    return password === "guest" ? [] : [password, encodeURIComponent(password)];
  }

  /** Connects to whichever server answers first, and asks each once. */
  async connect<L>(purpose: Purpose<L>, signal: AbortSignal): Promise<L> {
    const failures: ConnectError[] = [];
    for (const address of shuffled(this.#options.addresses)) {
      try {
        return await this.#try(address, purpose, signal);
      } catch (cause) {
        signal.throwIfAborted();
        failures.push(connectError(formatAddress(address), cause, this.secrets));
      }
    }
    // A refusal says more than a server that is merely away.
    const worst = (kind: FailureKind) => failures.find((failure) => failure.kind === kind);
    throw worst("refused") ?? worst("answered") ?? failures[0]!;
  }

  async #try<L>(
    address: ServerAddress,
    { name, onLost, prepare }: Purpose<L>,
    signal: AbortSignal,
  ): Promise<L> {
    const { timeoutMs, clock, tls, username, password, vhost } = this.#options;
    const connect = await (this.#loading ??= load());
    const given = new AbortController();
    const abort = () => given.abort(signal.reason);
    signal.addEventListener("abort", abort);
    let inUse = false;
    let early: { readonly cause: unknown } | undefined;
    const options = { address, tls, username, password, vhost, name, clock };
    const onGone = (cause: unknown) => {
      if (inUse) onLost(cause);
      else early = { cause };
    };
    const making = connect({ ...options, onLost: onGone }, given.signal).then(
      async (connection) => {
        const end = () => connection.lose(given.signal.reason);
        given.signal.addEventListener("abort", end);
        try {
          const link = await prepare(connection);
          if (early) throw early.cause;
          inUse = true;
          return link;
        } catch (error) {
          await connection.destroy();
          throw error;
        } finally {
          given.signal.removeEventListener("abort", end);
        }
      },
    );
    try {
      return await inTime(clock, timeoutMs, making, "it does not answer");
    } catch (error) {
      given.abort(error);
      throw await making.then(() => error, (own) => own);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

async function load(): Promise<Connect> {
  const [library, view] = await loadLibrary(
    "@cloudamqp/amqp-client",
    "",
    () => Promise.all([import("@cloudamqp/amqp-client"), import("@cloudamqp/amqp-client/amqp-view")]),
  );
  return connector(library, view);
}
