/**
 * Finds nodes by a DNS name, such as a headless service of Kubernetes. Every A and AAAA record is a node. The name is
 * resolved at intervals, because nodes come and go.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import type { Clock } from "../../contract/clock.ts";

/** Resolves a name to IPv4 and IPv6 addresses. */
export type DnsResolver = (hostname: string) => Promise<readonly string[]>;

/** Options of {@linkcode DnsSource}. */
export interface DnsOptions {
  readonly hostname: string;
  readonly port: number;
  readonly intervalMs: number;
  readonly resolve: DnsResolver;
  readonly clock: Clock;
}

/** The system's resolver, which uses `/etc/hosts` and search domains. */
export const systemResolver: DnsResolver = async (hostname) => {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
};

/** Resolves a name at intervals. */
export class DnsSource {
  readonly #options: DnsOptions;
  #cancel = () => {};
  #closed = false;

  /** @param options The name, the port and the interval. */
  constructor(options: DnsOptions) {
    this.#options = options;
  }

  /**
   * Starts.
   *
   * @param onAddresses Called with all addresses, each time.
   * @param onTrouble Called when the name cannot be resolved.
   * @returns Resolves after the first attempt, also if it fails.
   */
  async start(onAddresses: (addresses: string[]) => void, onTrouble: (error: Error) => void): Promise<void> {
    const { hostname, port, intervalMs, resolve, clock } = this.#options;
    try {
      const found = await resolve(hostname);
      if (this.#closed) return;
      onAddresses(found.map((address) => `/${address.includes(":") ? "ip6" : "ip4"}/${address}/tcp/${port}`));
    } catch (cause) {
      if (this.#closed) return;
      // A service without nodes has no records.
      if (isAbsent(cause)) onAddresses([]);
      else onTrouble(new Error(`Cannot resolve ${hostname}: ${(cause as Error).message}`, { cause }));
    }
    this.#cancel = clock.after(intervalMs, () => void this.start(onAddresses, onTrouble), {
      background: true,
    });
  }

  /** Stops. */
  close(): void {
    this.#closed = true;
    this.#cancel();
  }
}

function isAbsent(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ENOTFOUND";
}
