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

/** What {@linkcode createGossip} needs. */
export interface GossipParts {
  /** The contract, which says of which places presence is kept. */
  readonly contract: Contract;
  /** The other nodes. */
  readonly backplane: Backplane;
  /** This node. */
  readonly nodeId: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How often nodes say that they live, in milliseconds. */
  readonly heartbeatMs: number;
  /** See `GossipOptions`. */
  readonly leaveAfterMs?: number;
  /** Hears what goes wrong. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** Whether a contract keeps presence of anything. */
export const hasPresence = ({ definition }: Contract): boolean =>
  Object.keys(definition.presence ?? {}).length > 0;

/**
 * Tells nodes that keep presence by gossip, and ask, that this one knows of nobody: they wait for it otherwise.
 *
 * @param backplane The other nodes.
 */
export function answerNothing(backplane: Backplane): void {
  backplane.on("pq", (_, from) => backplane.publish(nodeChannel(from), ["pa", 0, 0]));
}

/** Makes presence by gossip, which hears what comes over the backplane from here on. */
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
        backplane.prepareText(channel, text)();
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
