/**
 * Wraps an adapter, and counts the messages between nodes.
 *
 * @module
 */

import type { Adapter } from "@trunkline/hub/adapters/adapter";

/** The numbers of messages between nodes since the start. */
export interface Traffic {
  in: number;
  out: number;
  /** Whether the backplane is up. */
  backplane: "up" | "down";
}

/**
 * Wraps an adapter.
 *
 * @param adapter The adapter.
 * @param traffic The counts.
 */
export function watchTraffic(adapter: Adapter, traffic: Traffic): Adapter {
  return {
    name: adapter.name,
    get maxMessageBytes() {
      return adapter.maxMessageBytes; // some adapters learn this limit from their broker
    },
    solitary: adapter.solitary,
    history: adapter.history,
    presence: adapter.presence,
    countListeners: adapter.countListeners && ((channel) => adapter.countListeners!(channel)),
    gauges: adapter.gauges && (() => adapter.gauges!()),
    open: (context, options) =>
      adapter.open({
        nodeId: context.nodeId,
        onError: (error, info) => context.onError(error, info),
        onGap: (channels) => context.onGap(channels),
        onStatus(status) {
          traffic.backplane = status;
          context.onStatus(status);
        },
        deliver(channel, data, from) {
          traffic.in++;
          context.deliver(channel, data, from);
        },
      }, options),
    subscribe: (channel, options) => adapter.subscribe(channel, options),
    unsubscribe: (channel) => adapter.unsubscribe(channel),
    publish(channel, data) {
      traffic.out++;
      adapter.publish(channel, data);
    },
    close: () => adapter.close(),
    [Symbol.asyncDispose]: () => adapter.close(),
  };
}
