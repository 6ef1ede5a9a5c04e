import { setImmediate } from "node:timers/promises";
import type { Adapter } from "../../adapters/adapter.ts";

interface Operation {
  readonly kind: "subscribe" | "unsubscribe";
  resolve(): void;
  reject(error: Error): void;
}

/** An adapter whose every answer is given by hand, and which fails a test that breaks the seam's rules. */
export class ScriptedAdapter implements Pick<Adapter, "name" | "subscribe" | "unsubscribe"> {
  readonly name = "scripted";
  /** The calls, in order. */
  readonly asked: string[] = [];
  readonly #subscribed = new Set<string>();
  readonly #inFlight = new Map<string, Operation>();
  /** Calls of an interest that break the contract of adapters. */
  readonly breaches: string[] = [];

  /** The channels with an operation that has no answer. */
  get busy(): readonly string[] {
    return [...this.#inFlight.keys()];
  }

  /** The channels that the backplane delivers. */
  get subscribed(): ReadonlySet<string> {
    return this.#subscribed;
  }

  subscribe(channel: string): Promise<void> {
    return this.#start("subscribe", channel);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#start("unsubscribe", channel);
  }

  /** Answers a channel's operation. */
  async succeed(channel: string): Promise<void> {
    const operation = this.#take(channel);
    if (!operation) return;
    if (operation.kind === "subscribe") this.#subscribed.add(channel);
    else this.#subscribed.delete(channel);
    operation.resolve();
    await settled();
  }

  /** Refuses a channel's operation. A subscribe leaves nothing behind; an unsubscribe may or may not have worked. */
  async fail(channel: string, error: Error = new Error("the backplane says no")): Promise<void> {
    const operation = this.#take(channel);
    if (!operation) return;
    if (operation.kind === "unsubscribe") this.#subscribed.delete(channel);
    operation.reject(error);
    await settled();
  }

  #start(kind: Operation["kind"], channel: string): Promise<void> {
    this.asked.push(`${kind} ${channel}`);
    if (this.#inFlight.has(channel)) this.breaches.push(`${kind} ${channel} while another is under way`);
    if ((kind === "subscribe") === this.#subscribed.has(channel)) {
      this.breaches.push(`${kind} ${channel} twice`);
    }
    return new Promise((resolve, reject) => this.#inFlight.set(channel, { kind, resolve, reject }));
  }

  #take(channel: string): Operation | undefined {
    const operation = this.#inFlight.get(channel);
    this.#inFlight.delete(channel);
    return operation;
  }
}

/** Lets everything run that waits for nothing but its turn. */
export const settled = (): Promise<void> => setImmediate();

/** The state of a promise. */
export interface Watched {
  state: "pending" | "resolved" | "rejected";
  error: unknown;
}

/** Watches a promise. */
export function watch(promise: Promise<unknown>): Watched {
  const watched: Watched = { state: "pending", error: undefined };
  promise.then(() => watched.state = "resolved", (error) => {
    watched.state = "rejected";
    watched.error = error;
  });
  return watched;
}
