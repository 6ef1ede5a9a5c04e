/**
 * A process's way to the others: what the hub's code takes for its backplane. Most runs hand messages over as they are;
 * in some the real backplane writes and reads them, over an adapter on the virtual network.
 *
 * @module
 */

import type { HubErrorInfo } from "../../hub/api/options.ts";
import type { Backplane } from "../../hub/backplane/backplane.ts";
import type { BusMessage } from "../../hub/backplane/bus_wire.ts";
import { Interest } from "../../hub/backplane/interest.ts";
import type { Network, Port } from "./network.ts";
import type { Process } from "./process.ts";

/** The events of a line. */
export interface LineEvents {
  /** See `BackplaneOptions.onError`. */
  onError(error: unknown, info: HubErrorInfo): void;
  /** See `BackplaneOptions.onStatus`. */
  onStatus(status: "up" | "down"): void;
  /** See `BackplaneOptions.onGap`. */
  onGap(channels: readonly string[] | undefined): void;
  /** See `BackplaneOptions.onNodeGone`. */
  onNodeGone(nodeId: string): void;
  /** See `BackplaneOptions.onHeard`. */
  onHeard(from: string): void;
}

/** The parts of a line. */
export interface LineOptions extends LineEvents {
  /** The process of the line. */
  readonly process: Process;
  /** The network behind it. */
  readonly network: Network;
  /** Whether it counts the listeners of a channel. */
  readonly counts: boolean;
  /** The largest message that it carries, in bytes. */
  readonly maxMessageBytes: number;
}

/** A way to the others. */
export interface Line {
  /** The backplane for the hub's code. */
  readonly backplane: Backplane;
  /** Connects. */
  open(): Promise<void>;
  /** The backplane is reachable, or not. */
  tell(status: "up" | "down"): void;
  /** Messages may have been missed. */
  gap(): void;
  /** The process of another node has ended. */
  gone(nodeId: string): void;
  /** Sends what waits, then disconnects. */
  close(): void;
}

/** The part of a backplane that the hub's code may use here. */
type Used = Pick<
  Backplane,
  | "interest"
  | "name"
  | "status"
  | "solitary"
  | "maxMessageBytes"
  | "countListeners"
  | "on"
  | "publish"
  | "prepare"
>;

type Handler = (message: BusMessage, from: string, channel: string) => void;

/** Hands messages over as they are: no text is made of them, or read. */
export class PlainLine implements Line, Used, Port {
  readonly name = "plain";
  readonly solitary = false;
  readonly interest: Interest;
  readonly process: Process;
  /** The message that is being handled. */
  handled: BusMessage | undefined;
  readonly #options: LineOptions;
  readonly #handlers = new Map<string, Handler>();
  readonly #batches = new Map<string, BusMessage[]>();
  #status: "up" | "down" = "down";

  /** @param options What it is made of. */
  constructor(options: LineOptions) {
    this.#options = options;
    this.process = options.process;
    this.interest = new Interest({
      adapter: {
        name: this.name,
        subscribe: (channel) => Promise.resolve(options.network.subscribe(this, channel)),
        unsubscribe: (channel) => Promise.resolve(options.network.unsubscribe(this, channel)),
      },
      clock: options.process,
      timeoutMs: 10_000,
      onError: (error, stage, channel) => options.onError(error, { stage, channel }),
    });
  }

  get backplane(): Backplane {
    return this as unknown as Backplane; // of a class with private parts there is no other implementation
  }

  get status(): "up" | "down" {
    return this.#status;
  }

  get maxMessageBytes(): number {
    return this.#options.maxMessageBytes;
  }

  open(): Promise<void> {
    this.tell("up");
    return Promise.resolve();
  }

  countListeners(channel: string): Promise<number | undefined> {
    const { counts, network } = this.#options;
    return Promise.resolve(counts ? network.count(channel) : undefined);
  }

  on(kind: string, handler: unknown): void {
    this.#handlers.set(kind, handler as Handler);
  }

  publish(channel: string, message: BusMessage): void {
    const batch = this.#batches.get(channel);
    if (batch) {
      batch.push(message);
      return;
    }
    if (this.#batches.size === 0) this.process.endOfTurn(() => this.#flush());
    this.#batches.set(channel, [message]);
  }

  prepare(channel: string, message: BusMessage): () => void {
    return () => this.publish(channel, message);
  }

  deliver(channel: string, data: unknown, from: string): void {
    this.#options.onHeard(from);
    for (const message of data as readonly BusMessage[]) {
      this.handled = message;
      this.#handlers.get(message[0])?.(message, from, channel);
    }
    this.handled = undefined;
  }

  tell(status: "up" | "down"): void {
    if (status === this.#status) return;
    this.#status = status;
    if (status === "up") this.interest.retry();
    this.#options.onStatus(status);
  }

  gap(): void {
    this.#options.onGap(undefined);
  }

  gone(nodeId: string): void {
    this.#options.onNodeGone(nodeId);
  }

  close(): void {
    this.interest.close();
    this.#flush();
    this.#options.network.detach(this);
  }

  #flush(): void {
    const batches = [...this.#batches];
    this.#batches.clear();
    for (const [channel, messages] of batches) this.#options.network.send(this.process, channel, messages);
  }
}
