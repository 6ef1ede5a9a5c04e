/**
 * Connects to one of several NATS servers.
 *
 * @module
 */

import type { FailureKind } from "../kit/failure.ts";
import { loadLibrary } from "../kit/library.ts";
import { shuffled } from "../kit/shuffle.ts";
import type { NatsClient } from "./client.ts";
import { type ConnectError, connectError } from "./errors.ts";
import { authenticatorOf, type Login } from "./login.ts";
import { preflight } from "./preflight.ts";
import { formatAddress, type NatsTlsOptions, readDiscovered, type ServerAddress } from "./servers.ts";
import type { ClientSource } from "./source.ts";

/** Longer than any connection lasts: the session does the pings. */
const NEVER_PING_MS = 2 ** 31 - 1;

/** The options of a dialer. */
export interface DialerOptions {
  readonly addresses: readonly ServerAddress[];
  /** TLS options, if TLS is used. */
  readonly tls: NatsTlsOptions | undefined;
  /** How to log in. */
  readonly login: Login | undefined;
  /** How long one server may take. */
  readonly timeoutMs: number;
}

/** Opens the adapter's own connections. */
export class Dialer implements ClientSource {
  readonly owned = true;
  readonly #options: DialerOptions;
  /** Servers that other servers have announced, and that the user did not name. */
  #discovered: ServerAddress[] = [];

  /** @param options The servers and the login. */
  constructor(options: DialerOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.addresses.map(formatAddress).join(", ");
  }

  /** Connects to the first server that answers. It tries each server once. */
  async connect(signal: AbortSignal): Promise<NatsClient> {
    const failures: ConnectError[] = [];
    for (const address of [...shuffled(this.#options.addresses), ...shuffled(this.#discovered)]) {
      try {
        const client = await this.#try(address, signal);
        this.#discover(client.info?.connect_urls);
        return client;
      } catch (cause) {
        signal.throwIfAborted();
        failures.push(connectError(formatAddress(address), cause));
      }
    }
    // A refusal tells more than an unreachable server.
    const worst = (kind: FailureKind) => failures.find((failure) => failure.kind === kind);
    throw worst("refused") ?? worst("answered") ?? failures[0]!;
  }

  /** Remembers the announced servers of a connection's cluster. */
  #discover(urls: readonly string[] | undefined): void {
    const known = new Set(this.#options.addresses.map(formatAddress));
    this.#discovered = readDiscovered(urls).filter((address) => !known.has(formatAddress(address)));
  }

  async #try(address: ServerAddress, signal: AbortSignal): Promise<NatsClient> {
    const { timeoutMs, login, tls: wanted } = this.#options;
    const nats = await loadLibrary("nats", "pass `connection`", () => import("nats"));
    const authenticator = authenticatorOf(nats, login);
    const tls = this.#tlsFor(address);
    const found = await preflight(address, {
      signal,
      timeoutMs,
      tls,
      tlsWanted: wanted !== undefined,
      authenticator,
    });
    const client: NatsClient = await nats.connect({
      servers: [formatAddress(address)],
      timeout: timeoutMs,
      pingInterval: NEVER_PING_MS,
      // The keeper makes the next connection. The library would queue messages for an unreachable server without limit.
      reconnect: false,
      noEcho: true,
      noAsyncTraces: true,
      ignoreClusterUpdates: true,
      // Uses the system's resolver, which also knows /etc/hosts.
      resolve: false,
      ...(authenticator ? { authenticator } : {}),
      ...(found.tls ? { tls } : {}),
    });
    if (signal.aborted) await client.close();
    signal.throwIfAborted();
    return client;
  }

  /** A certificate must have the name that was dialled. An IP address may not be sent as a server name. */
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
}
