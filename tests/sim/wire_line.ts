/**
 * A way to the others through the hub's own backplane: every message is written, carried as text, and read again.
 *
 * @module
 */

import type { Adapter, AdapterContext, AdapterData, AdapterWaitOptions } from "../../adapters/adapter.ts";
import { Backplane } from "../../hub/backplane/backplane.ts";
import type { Line, LineOptions } from "./line.ts";
import type { Port } from "./network.ts";
import type { Process } from "./process.ts";

/** An adapter on the virtual network. */
class SimulatedAdapter implements Adapter, Port {
  readonly name = "simulated";
  readonly maxMessageBytes: number;
  readonly process: Process;
  context: AdapterContext | undefined;
  readonly #options: LineOptions;
  #status: "up" | "down" = "down";
  /** Messages that wait until the backplane is back. */
  readonly #waiting = new Set<() => void>();

  constructor(options: LineOptions) {
    this.#options = options;
    this.process = options.process;
    this.maxMessageBytes = options.maxMessageBytes;
  }

  open(context: AdapterContext): Promise<void> {
    this.context = context;
    this.tell("up");
    return Promise.resolve();
  }

  tell(status: "up" | "down"): void {
    this.#status = status;
    if (status === "up") { for (const go of [...this.#waiting]) go(); }
    this.context?.onStatus(status);
  }

  async subscribe(channel: string, options?: AdapterWaitOptions): Promise<void> {
    if (this.#status === "down") await this.#up(options?.signal);
    this.#options.network.subscribe(this, channel);
  }

  unsubscribe(channel: string): Promise<void> {
    return Promise.resolve(this.#options.network.unsubscribe(this, channel));
  }

  publish(channel: string, data: AdapterData): void {
    this.#options.network.send(this.process, channel, data);
  }

  countListeners(channel: string): Promise<number | undefined> {
    const { counts, network } = this.#options;
    return Promise.resolve(counts ? network.count(channel) : undefined);
  }

  deliver(channel: string, data: unknown, from: string): void {
    this.context?.deliver(channel, data as string, from);
  }

  close(): Promise<void> {
    this.#options.network.detach(this);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #up(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    return promise.finally(() => this.#waiting.delete(resolve));
  }
}

/** The real backplane, over an adapter on the virtual network. */
export class WireLine implements Line {
  readonly backplane: Backplane;
  readonly #adapter: SimulatedAdapter;

  /** @param options What it is made of. */
  constructor(options: LineOptions) {
    this.#adapter = new SimulatedAdapter(options);
    this.backplane = new Backplane({
      adapter: this.#adapter,
      nodeId: options.process.id,
      subscribeTimeoutMs: 10_000,
      clock: options.process,
      onError: options.onError,
      onStatus: options.onStatus,
      onGap: options.onGap,
      onNodeGone: options.onNodeGone,
      onHeard: options.onHeard,
    });
  }

  open(): Promise<void> {
    return this.backplane.open();
  }

  tell(status: "up" | "down"): void {
    this.#adapter.tell(status);
  }

  gap(): void {
    this.#adapter.context?.onGap();
  }

  gone(nodeId: string): void {
    this.#adapter.context?.onNodeGone?.(nodeId);
  }

  close(): void {
    void this.backplane.close();
  }
}
