/**
 * What tests of the ZeroMQ adapter have in common.
 *
 * @module
 */

import { createZeroMqAdapter, type ZeroMqAdapterOptions } from "@trunkline/hub/adapters/zeromq";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { freePort } from "../../../tools/brokers/ports.ts";

/** Soon enough for a test, and long enough for a machine that is busy. */
export const PROBES = { probeIntervalMs: 1_000, probeTimeoutMs: 3_000, connectTimeoutMs: 3_000 };

/** How many nodes of a mesh are given as peers to all. */
const GIVEN = 3;

/** Meshes, one for each prefix: all nodes have the same list of peers. */
export class MeshScene {
  readonly #peers = new Map<string, Promise<readonly string[]>>();
  readonly #used = new Set<string>();

  /** Makes the adapter of one more node. */
  async create({ prefix, ...more }: Partial<ZeroMqAdapterOptions> & { prefix: string }): Promise<Adapter> {
    const peers = await this.addressesOf(prefix);
    const bind = peers.find((peer) => !this.#used.has(peer)) ?? await freeAddress();
    this.#used.add(bind);
    return createZeroMqAdapter({ bind, peers, prefix, ...PROBES, ...more });
  }

  /** The peers of all nodes of a prefix. */
  addressesOf(prefix: string): Promise<readonly string[]> {
    let peers = this.#peers.get(prefix);
    if (!peers) this.#peers.set(prefix, peers = Promise.all(Array.from({ length: GIVEN }, freeAddress)));
    return peers;
  }
}

/** Where nobody listens yet. */
export async function freeAddress(): Promise<string> {
  return `tcp://127.0.0.1:${await freePort()}`;
}
