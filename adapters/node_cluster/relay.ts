/**
 * The relay: the part of the primary process. It passes messages from node to node, and only to nodes that subscribe.
 *
 * @module
 */

import cluster, { type Worker } from "node:cluster";
import { systemClock } from "../../contract/clock.ts";
import { guardReports } from "../../contract/user_code.ts";
import { callback, count, having } from "../../contract/options/option_kinds.ts";
import { or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { inMessages, Reports } from "../kit/reports.ts";
import type { IpcChannel } from "./channel.ts";
import type { Group } from "./groups.ts";
import { Port } from "./port.ts";

/** Options of {@linkcode relayNodeCluster}. */
export interface NodeClusterRelayOptions {
  /**
   * How many bytes may wait for a worker that does not read them. A worker with more bytes to read loses its session.
   * It learns this when it reads again. It then begins another session, and updates its clients as after every outage.
   *
   * @default {33_554_432}
   */
  readonly maxPendingBytes?: number;
  /**
   * Called for frames of workers that no node can have sent.
   *
   * @default {console.error}
   */
  readonly onError?: (error: Error) => void;
}

/** A running relay. */
export interface NodeClusterRelay extends Disposable {
  /**
   * Also serves a process that node:cluster has not forked.
   *
   * @param channel The pipe to it: a `ChildProcess` of `fork` of `node:child_process`.
   */
  add(channel: IpcChannel): void;
  /** Ends the relay. For every node the backplane is away until there is another relay. Idempotent. */
  close(): void;
}

const ROWS = {
  maxPendingBytes: or(count(), 32 * 1024 * 1024),
  onError: or(
    callback<(error: Error) => void>(),
    (error: Error) => console.error(`[trunkline] ${error.message}`, error),
  ),
} satisfies Rows<NodeClusterRelayOptions>;

const CHANNEL = having<IpcChannel>("a process that was forked, with send() and on()", "send", "on", "off");

/**
 * Connects the nodes in the present and future workers of this process. Call it once in the primary process; it serves
 * all applications in the workers.
 *
 * @example The whole primary process
 * ```ts ignore forks processes
 * import { relayNodeCluster } from "@trunkline/hub/adapters/node-cluster";
 * import cluster from "node:cluster";
 * import { availableParallelism } from "node:os";
 *
 * if (cluster.isPrimary) {
 *   relayNodeCluster();
 *   for (let i = 0; i < availableParallelism(); i++) cluster.fork();
 * } else {
 *   await import("./server.ts");
 * }
 * ```
 *
 * @param options The limits.
 * @returns The relay.
 * @throws {TypeError} If this process is a worker, or already has a relay.
 */
export function relayNodeCluster(options?: NodeClusterRelayOptions): NodeClusterRelay {
  const { maxPendingBytes, onError } = readOptions("relayNodeCluster", options, ROWS);
  if (cluster.isWorker) {
    throw new TypeError(
      "Cannot relay in a worker of node:cluster: call relayNodeCluster() in the primary process",
    );
  }
  if (cluster.listeners("fork").some((listener) => RELAY in listener)) {
    throw new TypeError(
      "Cannot relay twice in one process: one relay serves all workers, and keeps prefixes apart",
    );
  }
  const report = guardReports<void>((error) => onError(error as Error));
  return new Relay(maxPendingBytes, report);
}

/**
 * Marks the listener of a relay, also for other copies of this package: two relays would deliver every message twice.
 */
const RELAY = Symbol.for("@trunkline/hub relay");

class Relay implements NodeClusterRelay {
  readonly #maxPendingBytes: number;
  readonly #onError: (error: Error) => void;
  readonly #reports = new Reports(systemClock);
  readonly #groups = new Map<string, Group>();
  readonly #ports = new Map<IpcChannel, Port>();
  readonly #onFork = Object.assign((worker: Worker) => this.#serve(worker.process), { [RELAY]: true });
  #closed = false;

  constructor(maxPendingBytes: number, onError: (error: Error) => void) {
    this.#maxPendingBytes = maxPendingBytes;
    this.#onError = onError;
    cluster.on("fork", this.#onFork);
    for (const worker of Object.values(cluster.workers ?? {})) if (worker) this.#serve(worker.process);
  }

  add(channel: IpcChannel): void {
    if (this.#closed) throw new TypeError("Cannot add a process to a relay that is closed");
    this.#serve(CHANNEL(channel, { owner: "add", path: "channel" }));
  }

  close(): void {
    this.#closed = true;
    cluster.off("fork", this.#onFork);
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
    this.#reports.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #serve(channel: IpcChannel): void {
    if (this.#ports.has(channel) || !channel.connected) return;
    const port = new Port({
      channel,
      groups: this.#groups,
      maxPendingBytes: this.#maxPendingBytes,
      onGone: () => this.#ports.delete(channel),
      onMalformed: () =>
        this.#reports.add("malformed", 1, (count) => {
          this.#onError(
            new Error(
              `Ignored ${
                inMessages(count)
              } of a worker at the node-cluster relay, in a form that no node sends`,
            ),
          );
        }),
    });
    this.#ports.set(channel, port);
  }
}
