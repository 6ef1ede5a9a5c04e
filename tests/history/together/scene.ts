/**
 * Clusters whose nodes share their histories, and clients that move from node to node, over real connections.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createEmitter, type Emitter } from "@trunkline/hub";
import {
  type Client,
  createClient,
  type Published,
  type Recovery,
  type TopicMeta,
} from "@trunkline/hub/client";
import { type Proxy, startProxy } from "../../../tools/brokers/proxy.ts";
import { waitFor } from "../../harness.ts";
import {
  type Floor,
  isFloor,
  type Market,
  market,
  type MarketNode,
  type MarketOptions,
  type Price,
  read,
  startMarket,
  type Topic,
} from "./market.ts";
import { connect, type Place } from "./stores.ts";

/** Longer than anything takes on a machine that is busy. */
export const PATIENCE = { timeoutMs: 30_000 };

/** A message as a client has heard it, on a topic or in a room. */
export interface Heard extends Price {
  readonly meta: Pick<TopicMeta<true>, "epoch" | "offset" | "recovered">;
}

/** The way of a client to a node, which can be cut. */
class Way implements AsyncDisposable {
  #proxy: Proxy | undefined;

  /** Leads to a node from now on. */
  async lead({ port }: { readonly port: number }): Promise<void> {
    this.#proxy = await startProxy(port);
  }

  /** Resets the connection, and leads nowhere. */
  async cut(): Promise<void> {
    await this.#proxy?.close();
  }

  /** Where to connect to now. */
  readonly url = () => `ws://127.0.0.1:${this.#proxy!.port}/`;

  [Symbol.asyncDispose](): Promise<void> {
    return this.cut();
  }
}

/** A client that follows a topic, or is in a room. */
export class Follower implements AsyncDisposable {
  readonly heard: Heard[] = [];
  readonly recoveries: boolean[] = [];
  readonly client: Client<Market, "trader">;
  readonly ready: Promise<unknown>;
  readonly #where: Topic | Floor;
  readonly #way = new Way();

  /** Connects to a node by a way that can be cut, or to the first of several that answers. */
  constructor(to: MarketNode | readonly string[], where: Topic | Floor, options: FollowOptions = {}) {
    this.#where = where;
    const led = "port" in to ? this.#way.lead(to) : undefined;
    this.client = createClient(market, {
      url: "port" in to ? () => led!.then(this.#way.url) : to,
      role: "trader",
      reconnect: { baseMs: 10, maxMs: 50 },
      onError() {},
    });
    const hear = (price: Price, meta: Heard["meta"]) => void this.heard.push({ ...price, meta });
    const onRecovery = ({ recovered }: Pick<Recovery, "recovered">) => void this.recoveries.push(recovered);
    if (!isFloor(where)) {
      this.ready = this.client.subscribe(where, hear, { ...options, onRecovery }).ready;
      return;
    }
    this.client.on("call", (price, meta) => hear(price, meta!));
    this.client.onRecovery(onRecovery);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.client.onOpen(() => this.client.request("enter", { floor: where }).then(resolve, reject));
    this.ready = promise;
  }

  /** Loses its link, and finds no other. */
  async lose(): Promise<void> {
    await this.#way.cut();
    await waitFor(() => this.client.status === "reconnecting", { what: "the client to notice", ...PATIENCE });
  }

  /** Finds a node again. */
  async find(node: MarketNode): Promise<void> {
    const times = this.recoveries.length + 1;
    await this.#way.lead(node);
    await this.back(times);
    assertEquals(this.client.nodeId, node.hub.nodeId);
  }

  /** Waits until it was told so many times how complete it is. */
  async back(times: number): Promise<void> {
    await waitFor(() => this.recoveries.length >= times, { what: "the recovery", ...PATIENCE });
  }

  /** Waits until it has heard what is at a position. */
  async heardUpTo({ epoch, offset }: Published): Promise<void> {
    const there = ({ meta }: Heard) => meta.epoch === epoch && meta.offset >= offset;
    await waitFor(() => this.heard.some(there), { what: `the message ${offset}`, ...PATIENCE });
  }

  /** Fails unless it has heard all of an epoch from an offset on, in order, each once, exactly as they are kept. */
  async heardAll(node: MarketNode, from = 1): Promise<void> {
    const { epoch, records } = await read(node.hub, this.#where);
    const kept = records.filter(({ offset }) => offset >= from);
    await this.heardUpTo({ epoch, offset: kept.at(-1)!.offset });
    const heard = this.heard.filter(({ meta }) => meta.offset >= from);
    assertEquals(
      heard.map(({ from, n, meta }) => [meta.epoch, meta.offset, from, n]),
      kept.map(({ offset, payload }) => [epoch, offset, payload.from, payload.n]),
    );
    assertEquals(kept[0]!.offset, from);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.#way[Symbol.asyncDispose]();
  }
}

/** Where a client begins. */
export type FollowOptions =
  | { readonly since?: Published }
  | { readonly rewind?: { readonly last: number } | { readonly sinceMs: number } };

/** Nodes of one cluster. */
export class Cluster implements AsyncDisposable {
  readonly nodes: MarketNode[] = [];
  readonly #followers: Follower[] = [];
  readonly #options: MarketOptions;
  readonly #connect: () => Pick<MarketOptions, "adapter" | "history">;

  private constructor(connect: () => Pick<MarketOptions, "adapter" | "history">, options: MarketOptions) {
    this.#connect = connect;
    this.#options = options;
  }

  /** Starts nodes at a place, and waits until they know each other. */
  static async start(place: Place, count: number, options: MarketOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(await connect(place), options);
    try {
      cluster.nodes.push(
        ...await Promise.all(
          Array.from({ length: count }, () => startMarket({ ...cluster.#connect(), ...options })),
        ),
      );
      await waitFor(() => cluster.nodes.every(({ hub }) => hub.cluster.nodes().length === count), {
        what: "the nodes to know each other",
        ...PATIENCE,
      });
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** A client that follows a topic, or is in a room, until the cluster ends. */
  async follow(
    to: MarketNode | readonly string[],
    where: Topic | Floor,
    options?: FollowOptions,
  ): Promise<Follower> {
    const follower = new Follower(to, where, options);
    this.#followers.push(follower);
    await follower.ready;
    return follower;
  }

  /** An emitter of the cluster. */
  emitter(): Emitter<Market> {
    const { adapter, history } = this.#connect();
    return createEmitter(market, { adapter: adapter!, history });
  }

  /** Fails when something was reported that the test does not expect. */
  reportedNothing(): void {
    for (const { errors } of this.nodes) assert(errors.length === 0, String(errors[0]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#followers.map((follower) => follower[Symbol.asyncDispose]()));
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}
