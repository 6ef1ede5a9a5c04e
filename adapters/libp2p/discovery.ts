/**
 * Finds the other nodes, and dials each until it is connected.
 *
 * @module
 */

import type { Libp2p, PeerInfo } from "@libp2p/interface";
import type { Clock } from "../../contract/clock.ts";
import { pauseMs, STABLE_MS } from "../kit/backoff.ts";
import { loadLibrary } from "../kit/library.ts";
import type { DnsSource } from "./dns.ts";

/** How often to look for nodes to dial. */
const LOOK_MS = 100;
/** How long to remember an unlisted node that cannot be reached. Other nodes or the network have named it. */
const FORGET_MS = 30_000;
/** How many unlisted nodes are remembered. */
const MAX_FOUND = 1_000;
/** How many addresses of one node are tried. */
const MAX_ADDRESSES = 16;
/** When two nodes find each other at the same time, one waits this long for the other to dial. */
const POLITE_MS = 400;

/** Options of {@linkcode Discovery}. */
export interface DiscoveryOptions {
  readonly node: Libp2p;
  readonly clock: Clock;
  /** Addresses that the node always tries. */
  readonly bootstrap: readonly string[];
  readonly dns: DnsSource | undefined;
  /** How long to wait for mDNS answers before a node counts as alone. */
  readonly mdnsFirstMs: number | undefined;
  readonly dialTimeoutMs: number;
  /** Whether the node with this id may be part of the cluster. */
  admits(id: string): boolean;
  /** Resolves when a peer is introduced, or gone. */
  met(id: string): Promise<void>;
  isMet(id: string): boolean;
  /** The set of known nodes, or their state, has changed. */
  onChange(): void;
  /** A name cannot be resolved. */
  onTrouble(error: Error): void;
}

interface Candidate {
  readonly addresses: Set<string>;
  /** The id of the node, once it is known. */
  id: string | undefined;
  /** Whether the node is listed, and so is never forgotten. */
  readonly listed: boolean;
  /** When the node is forgotten, if it is not listed. */
  until: number;
  failures: number;
  nextAt: number;
  dialling: boolean;
  /** Whether a dial has ended, or the node has connected by itself. */
  tried: boolean;
  /** The node has said goodbye. */
  left: boolean;
  /** Its machine has refused the connection: no process listens there. */
  absent: boolean;
  /** When the node was introduced. */
  since: number | undefined;
  error: Error | undefined;
}

/** Finds and dials the other nodes. */
export class Discovery {
  /**
   * Resolves when each node is introduced or has failed: the nodes that are known at the start, and the nodes that they
   * name.
   */
  readonly first: Promise<void>;
  readonly #options: DiscoveryOptions;
  readonly #candidates = new Map<string, Candidate>();
  readonly #own: string;
  #multiaddr: typeof import("@multiformats/multiaddr").multiaddr | undefined;
  #roundDone: () => void;
  #pending = 0;
  #listsItself = false;
  #cancel = () => {};
  readonly #given = new AbortController();

  /** @param options The options. */
  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#own = options.node.peerId.toString();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.first = promise;
    this.#roundDone = resolve;
  }

  /** Whether this node may start alone: it knows no other node, or it is on its own list. */
  get mayBeAlone(): boolean {
    return this.#listsItself || this.#others.length === 0;
  }

  /** Whether all other known nodes are known to be stopped: their machines refuse connections. */
  get seemsAlone(): boolean {
    return this.#others.every(({ absent }) => absent);
  }

  /** The nodes that cannot be reached, each with the reason. */
  get failures(): readonly string[] {
    return this.#others.filter(({ error }) => error).map(({ addresses, error }) =>
      `${[...addresses][0]}: ${error!.message}`
    );
  }

  get #others(): Candidate[] {
    return [...this.#candidates.values()].filter(({ left }) => !left);
  }

  /**
   * Starts the search.
   *
   * @param told Resolves when the relays have sent the nodes that they know.
   */
  async start(told: Promise<unknown>): Promise<void> {
    const { bootstrap, dns, node, clock, mdnsFirstMs } = this.#options;
    const load = () => import("@multiformats/multiaddr");
    this.#multiaddr = (await loadLibrary("@multiformats/multiaddr", "", load)).multiaddr;
    for (const address of bootstrap) this.#add([address], true);
    this.#pending++;
    if (dns) {
      this.#pending++;
      dns.start(
        (addresses) => this.#resolved(addresses),
        (error) => this.#options.onTrouble(error),
      ).finally(() => this.#settled());
    }
    if (mdnsFirstMs !== undefined) {
      this.#pending++;
      node.addEventListener("peer:discovery", this.#onFound);
      clock.after(mdnsFirstMs, () => this.#settled(), { background: true });
    }
    void told.then(() => this.#settled());
    this.#look();
  }

  /** Dials all nodes again. Resolves when each is introduced, or its dial has failed. */
  async round(): Promise<void> {
    const { clock, isMet } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#roundDone();
    this.#roundDone = resolve;
    for (const candidate of this.#others) {
      if (candidate.id !== undefined && isMet(candidate.id)) continue;
      candidate.tried = false;
      candidate.nextAt = clock.now();
    }
    this.#settled(0);
    await promise;
  }

  /** A node can be reached at these addresses. */
  found(addresses: readonly string[]): void {
    const byId = new Map<string, string[]>();
    for (const address of addresses) {
      const id = idOf(address);
      if (id === undefined || id === this.#own || !this.#options.admits(id)) continue;
      byId.set(id, [...byId.get(id) ?? [], address]);
    }
    for (const addresses of byId.values()) this.#add(addresses, false);
  }

  /** A peer is gone. */
  gone(id: string, left: boolean): void {
    const now = this.#options.clock.now();
    for (const [key, candidate] of this.#candidates) {
      if (candidate.id !== id) continue;
      const { since } = candidate;
      if (since !== undefined && now - since >= STABLE_MS) candidate.failures = 0;
      candidate.since = undefined;
      candidate.until = now + FORGET_MS;
      // Dials at once: the result shows whether the node still runs.
      candidate.nextAt = candidate.failures === 0 ? now : now + pauseMs(candidate.failures);
      candidate.failures++;
      candidate.left = left;
      if (left && !candidate.listed) this.#candidates.delete(key);
    }
  }

  /** A peer is introduced. Either side may have dialled. */
  arrived(id: string): void {
    for (const candidate of this.#candidates.values()) {
      if (candidate.id !== id) continue;
      candidate.left = candidate.absent = false;
      candidate.tried = true;
      candidate.since ??= this.#options.clock.now();
      candidate.error = undefined;
    }
    this.#settled(0);
  }

  /** Stops the search. */
  close(): void {
    this.#given.abort();
    this.#cancel();
    this.#options.dns?.close();
    this.#options.node.removeEventListener("peer:discovery", this.#onFound);
    this.#roundDone();
  }

  readonly #onFound = ({ detail }: CustomEvent<PeerInfo>) => {
    const id = detail.id.toString();
    this.found(detail.multiaddrs.map((address) => {
      const text = address.toString();
      return idOf(text) === undefined ? `${text}/p2p/${id}` : text;
    }));
  };

  #resolved(addresses: readonly string[]): void {
    for (const [key, candidate] of this.#candidates) {
      if (candidate.until === Infinity && !candidate.listed && !addresses.includes(key)) {
        this.#candidates.delete(key);
      }
    }
    for (const address of addresses) this.#add([address], false, Infinity);
    this.#options.onChange();
  }

  #add(addresses: readonly string[], listed: boolean, until?: number): void {
    const { clock, isMet } = this.#options;
    const now = clock.now();
    const id = idOf(addresses[0]!);
    if (id === this.#own) {
      this.#listsItself ||= listed;
      return;
    }
    const key = id ?? addresses[0]!;
    let candidate = this.#candidates.get(key);
    if (!candidate) {
      if (!listed && this.#candidates.size >= MAX_FOUND) return;
      const met = id !== undefined && isMet(id);
      candidate = {
        addresses: new Set(),
        id,
        listed,
        until: until ?? now + FORGET_MS,
        failures: 0,
        // A node that has sent its own address is introduced already, or is about to dial.
        nextAt: listed || id === undefined || this.#own < id ? now : now + POLITE_MS,
        dialling: false,
        tried: met,
        left: false,
        absent: false,
        since: met ? now : undefined,
        error: undefined,
      };
      this.#candidates.set(key, candidate);
      this.#options.onChange();
    } else if (until === undefined) {
      candidate.until = Math.max(candidate.until, now + FORGET_MS);
    }
    for (const address of addresses) {
      if (candidate.addresses.size < MAX_ADDRESSES) candidate.addresses.add(address);
    }
  }

  #look(): void {
    const { clock, isMet } = this.#options;
    const now = clock.now();
    for (const [key, candidate] of this.#candidates) {
      const { id } = candidate;
      if (candidate.dialling || (id !== undefined && isMet(id))) continue;
      if (!candidate.listed && candidate.until < now) {
        this.#candidates.delete(key);
        this.#options.onChange();
        this.#settled(0);
      } else if (candidate.nextAt <= now) {
        void this.#dial(candidate);
      }
    }
    if (this.#given.signal.aborted) return;
    this.#cancel = clock.after(LOOK_MS, () => this.#look(), { background: true });
  }

  async #dial(candidate: Candidate): Promise<void> {
    const { node, clock, dialTimeoutMs, met, onChange } = this.#options;
    candidate.dialling = true;
    const given = new AbortController();
    const cancel = clock.after(
      dialTimeoutMs,
      () => given.abort(new Error(`No answer within ${dialTimeoutMs} ms`)),
    );
    const signal = AbortSignal.any([given.signal, this.#given.signal]);
    try {
      const addresses = [...candidate.addresses].map((address) => this.#multiaddr!(address));
      const connection = await node.dial(addresses, { signal });
      candidate.id = connection.remotePeer.toString();
      await met(candidate.id);
      if (!this.#options.isMet(candidate.id)) {
        throw new Error(
          "it did not introduce itself: it is not a node of this prefix, does not allow this node, or is too busy",
        );
      }
      this.arrived(candidate.id);
    } catch (error) {
      if (isSelf(error)) {
        for (const [key, one] of this.#candidates) if (one === candidate) this.#candidates.delete(key);
        this.#listsItself ||= candidate.listed;
      }
      candidate.error = error as Error;
      candidate.absent = isRefused(error);
      candidate.nextAt = clock.now() + pauseMs(candidate.failures++);
    } finally {
      cancel();
      candidate.dialling = false;
      candidate.tried = true;
    }
    this.#settled(0);
    onChange();
  }

  /** Notes that one thing to wait for is done. Resolves the round when all are done. */
  #settled(things = 1): void {
    this.#pending -= things;
    if (this.#pending > 0 || this.#others.some(({ tried }) => !tried)) return;
    this.#roundDone();
  }
}

/** The identity at the end of an address. */
function idOf(address: string): string | undefined {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1];
}

function isSelf(error: unknown): boolean {
  return error instanceof Error && error.message.includes("dial self");
}

/**
 * Whether the machine refused the connection, because no process listens there. A dial of several addresses fails with
 * several errors.
 */
function isRefused(error: unknown): boolean {
  const { errors, message } = error as { errors?: readonly unknown[]; message?: string };
  if (errors && errors.length > 0) return errors.every(isRefused);
  return message?.includes("ECONNREFUSED") ?? false;
}
