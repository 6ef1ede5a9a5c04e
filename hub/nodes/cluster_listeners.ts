/**
 * What the application is told of the cluster.
 *
 * @module
 */

import type { HubErrorInfo } from "../api/options.ts";
import type { NodeInfo, NodeLeft } from "./roster.ts";

/** What listeners of `hub.cluster` are told, by event. */
export interface ClusterEvents {
  /** Another node is there: for the first time, or again after it was down. */
  readonly join: NodeInfo;
  /** Another node is gone: it said goodbye, or was silent for too long. Its connections do not count any more. */
  readonly leave: NodeLeft;
  /** The state of another node has changed. */
  readonly state: NodeInfo;
  /** Another node leads than did before, or this one does now. */
  readonly leader: NodeInfo;
  /** The backplane has come, or gone. */
  readonly backplane: "up" | "down";
}

/** A listener of one event. What it throws is reported to `onError`, with stage `"listener"`. */
export type ClusterListener<E extends keyof ClusterEvents> = (value: ClusterEvents[E]) => unknown;

/** The listeners of one hub. */
export class ClusterListeners {
  readonly #listeners = new Map<keyof ClusterEvents, Set<ClusterListener<never>>>();
  readonly #onError: (error: unknown, info: HubErrorInfo) => void;

  /** @param onError Told of what listeners throw. */
  constructor(onError: (error: unknown, info: HubErrorInfo) => void) {
    this.#onError = onError;
  }

  /** See `Cluster.on`. */
  on<E extends keyof ClusterEvents>(event: E, listener: ClusterListener<E>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    const own: ClusterListener<E> = (value) => listener(value); // the same function may be given twice
    this.#listeners.set(event, listeners.add(own as ClusterListener<never>));
    return () => {
      listeners.delete(own as ClusterListener<never>);
    };
  }

  /** Tells the listeners; one that throws hurts nobody. */
  emit<E extends keyof ClusterEvents>(event: E, value: ClusterEvents[E]): void {
    const failed = (error: unknown) => this.#onError(error, { stage: "listener", name: `cluster ${event}` });
    for (const listener of [...this.#listeners.get(event) ?? []] as ClusterListener<E>[]) {
      try {
        Promise.resolve(listener(value)).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  /** Forgets all listeners: the hub is closed. */
  close(): void {
    this.#listeners.clear();
  }
}
