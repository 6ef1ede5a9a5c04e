/**
 * The relays of a node: keeps connected to them, tells them where it can be reached, and hears from them who else is there.
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

/** The protocol by which nodes tell a relay that they are there. */
export const RELAY_PROTOCOL = "/trunkline/1/relay";

/** What {@linkcode Relays} needs. */
export interface RelaysOptions {
  readonly node: Libp2p;
  readonly clock: Clock;
  readonly application: string;
  /** Their addresses, with their identities. */
  readonly addresses: readonly string[];
  readonly dialTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  /** Lets others reach this node through a relay, if it can. */
  reserve?(address: string): Promise<void>;
  /** It cannot. */
  onTrouble(error: Error): void;
  /** Others can be reached there. */
  onAddresses(addresses: readonly string[]): void;
  /** It has answered, or is not there any more. */
  onChange(): void;
}

/** Several relays. */
export class Relays {
  /** Resolves when each has answered once, or could not be reached. */
  readonly first: Promise<unknown>;
  readonly #options: RelaysOptions;
  readonly #reached = new Map<string, Stream>();
  readonly #errors = new Map<string, Error>();
  readonly #given = new AbortController();
  readonly #running: Promise<unknown>;

  /** @param options What it needs. Begins at once. */
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

  /** Whether one of them answers, so that the network works. */
  get reached(): boolean {
    return this.#reached.size > 0;
  }

  /** Why those that do not answer do not. */
  get failures(): readonly string[] {
    return [...this.#errors].map(([address, { message }]) => `relay ${address}: ${message}`);
  }

  /** Leaves them. */
  async close(): Promise<void> {
    this.#given.abort(new Error("The adapter is closed"));
    this.#options.node.removeEventListener("self:peer:update", this.#onUpdate);
    for (const stream of this.#reached.values()) stream.abort(new Error("The adapter is closed"));
    await this.#running;
  }

  /** This node can be reached elsewhere: at a relay, for one. */
  readonly #onUpdate = () => {
    for (const stream of this.#reached.values()) this.#join(stream);
  };

  #join(stream: Stream): void {
    const { node, application } = this.#options;
    tell(stream, { type: "join", application, addresses: node.getMultiaddrs().map(String) });
  }

  /** One relay, from the first attempt to the last. */
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

  /** Asks again and again whether a relay is there, and gives it up when it is not. */
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
