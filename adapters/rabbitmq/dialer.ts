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

/** Options of a dialer. */
export interface DialerOptions {
  readonly addresses: readonly ServerAddress[];
  /** TLS options, if TLS is wanted. */
  readonly tls: RabbitMqTlsOptions | undefined;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  /** How long one server may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** The use of a connection. */
export interface Purpose<L> {
  /** The name that operators see. */
  readonly name: string;
  /** The connection is lost. */
  onLost(cause: unknown): void;
  /** Prepares the connection for its use. */
  prepare(connection: AmqpConnection): Promise<L>;
}

/** Creates connections. */
export class Dialer {
  readonly #options: DialerOptions;
  #loading: Promise<Connect> | undefined;

  /** @param options The options. */
  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** The addresses of the servers. */
  get address(): string {
    return this.#options.addresses.map(formatAddress).join(", ");
  }

  /** Texts that no error may contain. */
  get secrets(): readonly string[] {
    const { password } = this.#options;
    // The default password is public, and an error may need to name the user guest.
    return password === "guest" ? [] : [password, encodeURIComponent(password)];
  }

  /** Connects to the first server that answers. Tries each server once. */
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
    // A refusal says more about the fault than a server that is away.
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
