/**
 * Gossip over the backplane of a hub.
 *
 * @module
 */

import type { Clock, Contract } from "../../../contract/mod.ts";
import type { HubErrorInfo } from "../../api/options.ts";
import type { Backplane } from "../../backplane/backplane.ts";
import { nameOfChannel, nodeChannel, PRESENCE_CHANNEL } from "../../backplane/channels.ts";
import { readToldState } from "../read_told_state.ts";
import { Gossip } from "./gossip.ts";

/** The options of {@linkcode createGossip}. */
export interface GossipParts {
  /** The contract, with the places that have presence. */
  readonly contract: Contract;
  /** The backplane. */
  readonly backplane: Backplane;
  /** This node. */
  readonly nodeId: string;
  /** The clock. */
  readonly clock: Clock;
  /** The time between heartbeats, in milliseconds. */
  readonly heartbeatMs: number;
  /** See `GossipOptions`. */
  readonly leaveAfterMs?: number;
  /** Called with errors. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** Whether a contract has presence. */
export const hasPresence = ({ definition }: Contract): boolean =>
  Object.keys(definition.presence ?? {}).length > 0;

/**
 * Answers requests of nodes with gossip presence: this node has no members. Without an answer, they would wait.
 *
 * @param backplane The backplane.
 */
export function answerNothing(backplane: Backplane): void {
  backplane.on("pq", (_, from) => backplane.publish(nodeChannel(from), ["pa", 0, 0]));
}

/** Makes presence by gossip. It listens to the backplane from now on. */
export function createGossip(parts: GossipParts): Gossip {
  const { contract, backplane, nodeId, clock, heartbeatMs, leaveAfterMs, onError } = parts;
  const gossip = new Gossip({
    nodeId,
    clock,
    random: Math.random,
    heartbeatMs,
    leaveAfterMs,
    solitary: backplane.solitary,
    maxMessageBytes: () => backplane.maxMessageBytes,
    send(to, text) {
      const channel = to === null ? PRESENCE_CHANNEL : nodeChannel(to);
      try {
        backplane.publishText(channel, text);
      } catch (error) {
        onError(error, { stage: "publish", channel });
      }
    },
    reader(place) {
      const name = nameOfChannel(place);
      const declared = contract.presence.find(name)?.value;
      return declared && ((state) => readToldState(declared, state, name));
    },
    onError: (error, channel, count) => {
      onError(error, { stage: "delivery", channel, ...(count > 1 && { count }) });
    },
  });
  for (const kind of ["pd", "pp", "pv", "pq", "pa"] as const) {
    backplane.on(kind, (message, from) => gossip.hear(message, from));
  }
  return gossip;
}
