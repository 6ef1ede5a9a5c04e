/**
 * The listeners for cluster events.
 *
 * @module
 */

import { callSafely } from "../../contract/mod.ts";
import { checkListener } from "../../contract/options/check_listener.ts";
import { suggest } from "../../contract/options/suggest.ts";
import type { ClusterEvents, ClusterListener } from "../api/cluster.ts";
import type { HubErrorInfo } from "../api/options.ts";

const EVENTS: readonly (keyof ClusterEvents)[] = ["join", "leave", "state", "leader", "backplane"];

/** The listeners of one hub. */
export class ClusterListeners {
  readonly #listeners = new Map<keyof ClusterEvents, Set<ClusterListener<never>>>();
  readonly #onError: (error: unknown, info: HubErrorInfo) => void;

  /** @param onError Called with the errors of listeners. */
  constructor(onError: (error: unknown, info: HubErrorInfo) => void) {
    this.#onError = onError;
  }

  /** See `Cluster.on`. */
  on<E extends keyof ClusterEvents>(event: E, listener: ClusterListener<E>): () => void {
    if (!EVENTS.includes(event)) {
      throw new TypeError(
        `Cannot listen to "${String(event)}" of the cluster: ${suggest(String(event), EVENTS)}`,
      );
    }
    checkListener(listener, `cluster.on("${event}")`);
    const listeners = this.#listeners.get(event) ?? new Set();
    // A function of its own, because a listener may be added twice.
    const own: ClusterListener<E> = (value) => listener(value);
    this.#listeners.set(event, listeners.add(own as ClusterListener<never>));
    return () => {
      listeners.delete(own as ClusterListener<never>);
    };
  }

  /** Calls the listeners. An error of one does not stop the others. */
  emit<E extends keyof ClusterEvents>(event: E, value: ClusterEvents[E]): void {
    const failed = (error: unknown) => this.#onError(error, { stage: "listener", name: `cluster ${event}` });
    for (const listener of [...this.#listeners.get(event) ?? []] as ClusterListener<E>[]) {
      callSafely(() => listener(value), failed);
    }
  }

  /** Forgets all listeners: the hub is closed. */
  close(): void {
    this.#listeners.clear();
  }
}
