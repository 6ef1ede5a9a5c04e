/**
 * With node:cluster, this relay takes the place of the broker: this process starts the nodes, and passes their messages on over
 * the pipes to them.
 *
 * @module
 */

import { type NodeClusterRelay, relayNodeCluster } from "@trunkline/hub/adapters/node-cluster";
import type { ChildProcess } from "node:child_process";
import process from "node:process";
import type { Broker } from "./broker.ts";

/** The relay in this process. */
export class RelayBroker implements Broker {
  readonly env = {};
  readonly about = `node-cluster: the relay in this process, ${process.pid}`;
  readonly own = true;
  readonly #nodes = new Set<ChildProcess>();
  #relay: NodeClusterRelay | undefined = relayNodeCluster();

  get running(): boolean {
    return this.#relay !== undefined;
  }

  /** Adds a node that was started with a pipe. */
  join(node: ChildProcess): void {
    this.#nodes.add(node);
    node.once("disconnect", () => this.#nodes.delete(node));
    this.#relay?.add(node);
  }

  kill(): Promise<void> {
    this.#relay?.close();
    this.#relay = undefined;
    return Promise.resolve();
  }

  start(): Promise<void> {
    this.#relay ??= relayNodeCluster();
    for (const node of this.#nodes) this.#relay.add(node);
    return Promise.resolve();
  }
}
