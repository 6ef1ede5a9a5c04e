/**
 * Connects to one of several NATS servers, and tries until it is told to stop.
 *
 * @module
 */

import { type Authenticator, connect } from "nats";
import type { Clock } from "../../contract/clock.ts";
import type { NatsClient } from "./client.ts";
import { connectError, RefusedError } from "./errors.ts";
import { preflight } from "./preflight.ts";
import { formatAddress, type NatsTlsOptions, readDiscovered, type ServerAddress } from "./servers.ts";

/** Waits between rounds double from the first to the last. Nodes must not come in step: up to half of each is left out at random. */
const FIRST_WAIT_MS = 50;
const LAST_WAIT_MS = 1_000;

/** Longer than any connection lives: liveness is the link's business. */
const NEVER_PING_MS = 2 ** 31 - 1;

/** What a dialer has to know. */
export interface DialerOptions {
  readonly addresses: readonly ServerAddress[];
  /** TLS options, where it is wanted. */
  readonly tls: NatsTlsOptions | undefined;
  /** What logs in. */
  readonly authenticator: Authenticator | undefined;
  /** How long one server may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Connects. */
export class Dialer {
  readonly #options: DialerOptions;
  /** What servers told of their cluster, besides those that the user named. */
  #discovered: ServerAddress[] = [];
  #connectedAt = -Infinity;

  /** @param options Where and how. */
  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** The servers that the user named, as people write them. */
  get addresses(): string {
    return this.#options.addresses.map(formatAddress).join(", ");
  }

  /**
   * Remembers the servers of a connection's cluster.
   *
   * @param urls What its server told.
   */
  discover(urls: readonly string[] | undefined): void {
    const known = new Set(this.#options.addresses.map(formatAddress));
    this.#discovered = readDiscovered(urls).filter((address) => !known.has(formatAddress(address)));
  }

  /**
   * Connects to whichever server answers first, in rounds until there is one.
   *
   * @param signal Ends it.
   * @param onFailure Told of every round that led to nothing; throws to end it.
   * @returns A connection of our own. Rejects with the signal's reason, or what `onFailure` threw.
   */
  async dial(signal: AbortSignal, onFailure: (error: Error) => void): Promise<NatsClient> {
    // A server that takes us only to throw us out is not to be asked again at once.
    const { clock } = this.#options;
    const sinceMs = clock.now() - this.#connectedAt;
    if (sinceMs < LAST_WAIT_MS) await this.#sleep(LAST_WAIT_MS - sinceMs, signal);
    for (let waitMs = FIRST_WAIT_MS;; waitMs = Math.min(2 * waitMs, LAST_WAIT_MS)) {
      const failures: Error[] = [];
      for (const address of [...shuffle(this.#options.addresses), ...shuffle(this.#discovered)]) {
        try {
          const client = await this.#try(address, signal);
          this.#connectedAt = clock.now();
          return client;
        } catch (cause) {
          signal.throwIfAborted();
          failures.push(connectError(formatAddress(address), cause));
        }
      }
      // A refusal says more than a server that is merely away.
      onFailure(failures.find((error) => error instanceof RefusedError) ?? failures[0]!);
      await this.#sleep(waitMs, signal);
    }
  }

  async #try(address: ServerAddress, signal: AbortSignal): Promise<NatsClient> {
    const { timeoutMs, authenticator, tls: wanted } = this.#options;
    const tls = this.#tlsFor(address);
    const found = await preflight(address, {
      signal,
      timeoutMs,
      tls,
      tlsWanted: wanted !== undefined,
      authenticator,
    });
    const client: NatsClient = await connect({
      servers: [formatAddress(address)],
      timeout: timeoutMs,
      pingInterval: NEVER_PING_MS,
      // We connect anew ourselves: what the library would keep for a server that is away has no bound.
      reconnect: false,
      noEcho: true,
      noAsyncTraces: true,
      ignoreClusterUpdates: true,
      // The system's resolver, which knows /etc/hosts too.
      resolve: false,
      ...(authenticator ? { authenticator } : {}),
      ...(found.tls ? { tls } : {}),
    });
    if (signal.aborted) await client.close();
    signal.throwIfAborted();
    return client;
  }

  /** Names in certificates are compared with the one that was dialled. An address may not be sent as a name. */
  #tlsFor({ hostname }: ServerAddress): object {
    const { ca, cert, key, serverName = hostname } = this.#options.tls ?? {};
    const isName = /[^\d.:a-f]/i.test(serverName);
    return {
      host: serverName,
      servername: isName ? serverName : "",
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
  }

  /** Waits, for up to half of the time less. */
  #sleep(longestMs: number, signal: AbortSignal): Promise<void> {
    const ms = longestMs * (1 - Math.random() / 2);
    return new Promise((resolve, reject) => {
      const abort = () => {
        cancel();
        reject(signal.reason);
      };
      const cancel = this.#options.clock.after(ms, () => {
        signal.removeEventListener("abort", abort);
        resolve();
      });
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }
}

function shuffle<T>(items: readonly T[]): T[] {
  return items.map((item) => ({ item, at: Math.random() })).sort((a, b) => a.at - b.at).map(({ item }) =>
    item
  );
}
