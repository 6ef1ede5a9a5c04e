/**
 * Presence by gossip under simulation.
 *
 * @module
 */

import type { ClusterEvents } from "../../hub/api/cluster.ts";
import type { BusMessage } from "../../hub/backplane/bus_wire.ts";
import { nodeChannel, PRESENCE_CHANNEL } from "../../hub/backplane/channels.ts";
import { Gossip, type GossipMessage } from "../../hub/presence/gossip/gossip.ts";
import { chanceFor } from "./chance.ts";
import { PlainLine } from "./line.ts";
import { membership } from "./membership.ts";
import { presenceDisagreement, PresenceSubject } from "./presence.ts";
import { type Environment, type System, TIMES } from "./system.ts";

/** How long entries of nodes that are gone stay in some runs, in milliseconds. */
const LEAVE_AFTER_MS = 1_500;
/** The largest messages, in bytes: with small ones everything goes in parts. */
const SIZES = [520, 2_048, 16_384];

/** For so long a starting node gives up no node that does not answer, in milliseconds. */
const PATIENT_MS = 1_500;

/** Gossip as one process does it. */
export class GossipSubject extends PresenceSubject {
  protected readonly source: Gossip;
  protected readonly leaveAfterMs: number;
  protected readonly readsAtOnce = true;

  /** @param environment What it gets. */
  constructor(environment: Environment) {
    super(environment);
    const { process, line, times: { heartbeatMs }, seed } = environment;
    const chance = chanceFor(seed, 16);
    this.leaveAfterMs = chance.pick([0, 0, LEAVE_AFTER_MS]);
    const maxBytes = chance.pick(SIZES);
    const own = chanceFor(seed, 17 + process.seat);
    const { backplane } = line;
    this.source = new Gossip({
      nodeId: process.id,
      clock: process,
      random: () => own.below(2 ** 30) / 2 ** 30,
      heartbeatMs,
      leaveAfterMs: this.leaveAfterMs,
      maxMessageBytes: () => maxBytes,
      send: (to, text) => {
        const channel = to === null ? PRESENCE_CHANNEL : nodeChannel(to);
        if (line instanceof PlainLine) backplane.publish(channel, JSON.parse(text) as BusMessage);
        else backplane.publishText(channel, text);
      },
      reader: () => (state) => state,
      onError: (error) => {
        throw error;
      },
    });
    for (const kind of ["pd", "pp", "pv", "pq", "pa"] as const) {
      backplane.on(kind, (message, from) => this.hear(message, from));
    }
  }

  override async start(): Promise<void> {
    const began = this.process.now();
    this.lookAtAll();
    const { interest } = this.environment.line.backplane;
    const { settled } = interest.keep(PRESENCE_CHANNEL, () => this.source.missed());
    await settled;
    await super.start();
    const { others } = this.nodes;
    this.source.start();
    if (await this.isKnown() && this.process.now() - began < PATIENT_MS) this.checkKnown(others, began);
  }

  override status(status: "up" | "down"): void {
    this.source.reachable(status === "up");
    super.status(status);
  }

  override gap(): void {
    this.source.missed();
  }

  /** A message of gossip has come. */
  protected hear(message: GossipMessage, from: string): void {
    this.source.hear(message, from);
  }

  protected override emitted<E extends keyof ClusterEvents>(event: E, value: ClusterEvents[E]): void {
    const { id } = value as ClusterEvents["join"];
    super.emitted(event, value);
    if (event === "join") this.source.join(id);
    if (event === "leave") this.source.leave(id);
  }
}

/**
 * Beside membership: what stays of nodes that are gone has to go, and what was missed is asked for within a heartbeat and
 * answered, by questions that wait for up to a heartbeat.
 */
export const gossip: System = {
  ...membership,
  name: "gossip",
  quietBeats: membership.quietBeats + Math.ceil(LEAVE_AFTER_MS / TIMES.heartbeatMs) + 2,
  operations: 10,
  disagreement: presenceDisagreement,
  create: (environment) => new GossipSubject(environment),
};
