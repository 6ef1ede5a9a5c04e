/**
 * An adapter around another that counts what crosses between nodes: the seam is small enough to wrap.
 *
 * @module
 */

import type { Adapter } from "@trunkline/hub/adapters/adapter";

/** Messages between nodes since the start. */
export interface Traffic {
  in: number;
  out: number;
}

/**
 * Counts an adapter's messages.
 *
 * @param adapter What carries them.
 * @param traffic Where to count.
 */
export function countTraffic(adapter: Adapter, traffic: Traffic): Adapter {
  return {
    name: adapter.name,
    maxMessageBytes: adapter.maxMessageBytes,
    solitary: adapter.solitary,
    open: (context) =>
      adapter.open({
        nodeId: context.nodeId,
        onError: (error, info) => context.onError(error, info),
        onStatus: (status) => context.onStatus(status),
        deliver(channel, data, from) {
          traffic.in++;
          context.deliver(channel, data, from);
        },
      }),
    subscribe: (channel) => adapter.subscribe(channel),
    unsubscribe: (channel) => adapter.unsubscribe(channel),
    publish(channel, data) {
      traffic.out++;
      adapter.publish(channel, data);
    },
    close: () => adapter.close(),
    [Symbol.asyncDispose]: () => adapter.close(),
  };
}
