/**
 * Presence from a store under simulation.
 *
 * @module
 */

import type { ClusterEvents } from "../../hub/api/cluster.ts";
import { CentralPresence } from "../../hub/presence/central/central.ts";
import { chanceFor } from "./chance.ts";
import { membership } from "./membership.ts";
import { presenceDisagreement, PresenceSubject } from "./presence.ts";
import { StoreModel } from "./store.ts";
import { type Environment, type System, TIMES } from "./system.ts";

/** How long entries of nodes that are gone stay in some runs, in milliseconds. */
const LEAVE_AFTER_MS = 1_500;
/** How long the store may take, in milliseconds. */
const TIMEOUT_MS = 500;
/** Failed calls are repeated after at most so long, in milliseconds. */
const RETRY_MS = 5_000;

/** Presence from a store, as one process knows it. */
export class CentralSubject extends PresenceSubject {
  protected readonly source: CentralPresence;
  protected readonly leaveAfterMs: number;
  protected readonly readsAtOnce = false;

  /** @param environment What it gets. */
  constructor(environment: Environment) {
    super(environment);
    const { process, line, times: { nodeTimeoutMs }, seed, store } = environment;
    this.leaveAfterMs = chanceFor(seed, 16).pick([0, 0, LEAVE_AFTER_MS]);
    this.source = new CentralPresence({
      store: (store as StoreModel).for(process),
      backplane: line.backplane,
      clock: process,
      nodeId: process.id,
      nodeTimeoutMs,
      leaveAfterMs: this.leaveAfterMs,
      storeTimeoutMs: TIMEOUT_MS,
      parse: (_place, state) => state,
      onError: () => {}, // that the store is away, which is meant here
    });
  }

  override async start(): Promise<void> {
    this.lookAtAll();
    await super.start();
    this.source.start();
  }

  override status(status: "up" | "down"): void {
    this.source.reachable(status === "up");
    super.status(status);
  }

  override gap(): void {
    this.source.missed();
  }

  protected override emitted<E extends keyof ClusterEvents>(event: E, value: ClusterEvents[E]): void {
    super.emitted(event, value);
    if (event === "leave") this.source.leave((value as ClusterEvents["leave"]).id);
  }

  /** The entries of a node stay until its lease has run out, whatever its peers think of it. */
  protected override mayShow(node: string): boolean {
    return this.environment.truth.lifetimes.has(node);
  }

  protected override get graceMs(): number {
    return Infinity;
  }
}

/**
 * Beside membership: a lease is as long as the node timeout, is not trusted for two thirds of that after the store was away, and
 * what a node had stays for a while after it; what failed may have to wait for its next try.
 */
export const central: System = {
  ...membership,
  name: "central",
  quietBeats: membership.quietBeats + 2 + Math.ceil((LEAVE_AFTER_MS + RETRY_MS) / TIMES.heartbeatMs),
  awaits: true,
  createStore: (options) => new StoreModel(options),
  operations: 10,
  disagreement: presenceDisagreement,
  create: (environment) => new CentralSubject(environment),
};
