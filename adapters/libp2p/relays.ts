/**
 * Connects a node to its relays and keeps the connections. The node tells the relays its addresses, and they tell it
 * the other nodes.
 *
 * @module
 */

import type { Libp2p, Stream } from "@libp2p/interface";
import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import { loadLibrary } from "../kit/library.ts";
import { pauseMs } from "../kit/backoff.ts";
import { Waiters } from "../kit/waiters.ts";
import { hear, tell } from "./control.ts";

/** The protocol by which a node registers at a relay. */
export const RELAY_PROTOCOL = "/trunkline/1/relay";

/** Options of {@linkcode Relays}. */
export interface RelaysOptions {
  readonly node: Libp2p;
  readonly clock: Clock;
  readonly application: string;
  /** Addresses of the relays, with identities. */
  readonly addresses: readonly string[];
  readonly dialTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  /** Lets other nodes reach this node through a relay, if the node can do so. */
  reserve?(address: string): Promise<void>;
  /** Other nodes cannot reach this node through a relay. */
  onTrouble(error: Error): void;
  /** A relay has sent addresses of other nodes. */
  onAddresses(addresses: readonly string[]): void;
  /** A relay has answered, or is gone. */
  onChange(): void;
}

/** The relays of a node. */
export class Relays {
  /** Resolves when each relay has answered once, or its first attempt has failed. */
  readonly first: Promise<unknown>;
  readonly #options: RelaysOptions;
  readonly #reached = new Map<string, Stream>();
  readonly #errors = new Map<string, Error>();
  readonly #given = new AbortController();
  readonly #running: Promise<unknown>;

  /** @param options The options. Connects at once. */
  constructor(options: RelaysOptions) {
    this.#options = options;
    const firsts = options.addresses.map((address) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      return { address, promise, resolve };
    });
    this.first = Promise.all(firsts.map(({ promise }) => promise));
    this.#running = Promise.all(firsts.map(({ address, resolve }) => this.#keep(address, resolve)));
    options.node.addEventListener("self:peer:update", this.#onUpdate);
  }

  /** Whether at least one relay answers, so that the network works. */
  get reached(): boolean {
    return this.#reached.size > 0;
  }

  /** For each relay that does not answer, the reason. */
  get failures(): readonly string[] {
    return [...this.#errors].map(([address, { message }]) => `relay ${address}: ${message}`);
  }

  /** Closes all connections to relays. */
  async close(): Promise<void> {
    this.#given.abort(new Error("The adapter is closed"));
    this.#options.node.removeEventListener("self:peer:update", this.#onUpdate);
    for (const stream of this.#reached.values()) stream.abort(new Error("The adapter is closed"));
    await this.#running;
  }

  /** The addresses of this node have changed, for example because it is now reachable at a relay. */
  readonly #onUpdate = () => {
    for (const stream of this.#reached.values()) this.#join(stream);
  };

  #join(stream: Stream): void {
    const { node, application } = this.#options;
    tell(stream, { type: "join", application, addresses: node.getMultiaddrs().map(String) });
  }

  /** Keeps the connection to one relay, from the first attempt until the adapter closes. */
  async #keep(address: string, settled: () => void): Promise<void> {
    const { clock, onChange } = this.#options;
    const { signal } = this.#given;
    for (let failures = 0; !signal.aborted; failures++) {
      const pongs = new Waiters<number>();
      let stopProbing = () => {};
      try {
        const stream = await this.#connect(address);
        stopProbing = this.#probe(stream, pongs);
        await hear(stream, (message) => {
          if (message.type === "pong") pongs.settle(message.id);
          if (message.type !== "peers") return true;
          failures = 0;
          this.#errors.delete(address);
          this.#reached.set(address, stream);
          this.#options.onAddresses(message.addresses);
          settled();
          onChange();
          return true;
        });
        throw new Error("it closed the connection");
      } catch (error) {
        this.#errors.set(address, error as Error);
        this.#reached.delete(address);
      } finally {
        stopProbing();
        pongs.settleAll();
      }
      settled();
      if (signal.aborted) return;
      onChange();
      await new Promise<void>((resolve) => {
        const cancel = clock.after(pauseMs(failures), resolve, { background: true });
        signal.addEventListener("abort", () => {
          cancel();
          resolve();
        }, { once: true });
      });
    }
  }

  /** Pings a relay at intervals, and aborts the stream when the relay does not answer. */
  #probe(stream: Stream, pongs: Waiters<number>): () => void {
    const { clock, probeIntervalMs, probeTimeoutMs } = this.#options;
    let id = 0;
    const probe = async () => {
      const pong = pongs.wait(++id);
      tell(stream, { type: "ping", id, positions: {} });
      const answer = await answerOrSilence(clock, probeTimeoutMs, pong, () => 0);
      if (answer === "silent") return stream.abort(new Error(`it has not answered for ${probeTimeoutMs} ms`));
      if (stream.status === "open") {
        cancel = clock.after(probeIntervalMs, () => void probe(), { background: true });
      }
    };
    let cancel = clock.after(probeIntervalMs, () => void probe(), { background: true });
    return () => cancel();
  }

  async #connect(address: string): Promise<Stream> {
    const { node, clock, dialTimeoutMs, reserve, onTrouble } = this.#options;
    const load = () => import("@multiformats/multiaddr");
    const { multiaddr } = await loadLibrary("@multiformats/multiaddr", "", load);
    const given = new AbortController();
    const cancel = clock.after(
      dialTimeoutMs,
      () => given.abort(new Error(`no answer within ${dialTimeoutMs} ms`)),
    );
    try {
      const signal = AbortSignal.any([given.signal, this.#given.signal]);
      const connection = await node.dial(multiaddr(address), { signal });
      const stream = await connection.newStream(RELAY_PROTOCOL, { signal });
      await reserve?.(address).catch((error: Error) => {
        if (!signal.aborted) onTrouble(new Error(`${address}: ${error.message}`, { cause: error }));
      });
      this.#join(stream);
      return stream;
    } finally {
      cancel();
    }
  }
}
