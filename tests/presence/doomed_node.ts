/**
 * A node in a process or a worker of its own, with users in a room; it is killed, or stands still for a while. It does not use the
 * harness, which works in tests alone.
 */
import { createClient, createHub, systemClock } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { places, type PlacesHub } from "./places.ts";

/** How fast nodes that are gone are noticed. */
export const CLUSTER = { heartbeatMs: 500, nodeTimeoutMs: 3_000 };

/** The messages of the node: that it is ready, and the events of the room. */
export type Word = { readonly nodeId: string } | { readonly event: string };

/** Lives, until it is killed. */
export async function live(
  adapter: Adapter,
  say: (word: Word) => void,
  presence: "gossip" | "central" = "gossip",
): Promise<void> {
  const transport = createLoopbackTransport();
  const hub: PlacesHub = createHub(places, {
    authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
    transports: [transport],
    adapter,
    history: "per-node",
    presence,
    clock: systemClock,
    cluster: CLUSTER,
    onConnection: (conn): Promise<void> => hub.room("room/1").add(conn),
    onError() {},
  });
  await hub.ready;
  for (const event of ["join", "leave"] as const) {
    hub.presence("room/1").on(event, ({ id }) => say({ event: `${event} ${id}` }));
  }
  await hub.presence("room/1").list(); // from now on it gets events, with every kind of presence
  for (const token of ["doomed 1", "doomed 2", "doomed 2"]) {
    await createClient(places, { url: "ws://loopback", role: "member", token, transport: transport.client() })
      .ready;
  }
  say({ nodeId: hub.nodeId });
}
