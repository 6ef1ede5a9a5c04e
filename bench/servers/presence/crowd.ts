/**
 * Members without sockets: connections of a hub that enter and leave rooms with presence.
 *
 * @module
 */

import { createHub, defineContract, type Hub, type HubUser } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import type { LinkEvents } from "@trunkline/hub/transports/transport";
import { createWebSocketTransport } from "@trunkline/hub/transports/websocket";
import { z } from "zod";
import { NoTransport } from "../../no_transport.ts";

/** How many members enter or leave in one turn. With sockets, one turn handles everything that they have received. */
const A_TURN = 100;
/** How many connections wait for the answer to their hello at the same time. */
const AT_ONCE = 500;
/** With more members than this, the hub would tell watchers only the number. */
const MAX_LISTED = 20_000;
/** Heartbeats are off: without a socket, no client answers them. */
const NO_HEARTBEAT_MS = 3_600_000;

const Room = z.object({ room: z.string() });
const contract = defineContract({
  roles: { member: { clientToServer: { enter: { payload: Room }, leave: { payload: Room } } } },
  presence: { "crowd/:id": z.object({ away: z.boolean() }) },
});

type Crowded = Hub<(typeof contract)["definition"], HubUser, undefined>;

/** The end of a turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A hub, and the members of this node. */
export class Crowd {
  readonly hub: Crowded;
  readonly #transport = new NoTransport();
  /** The members, by their numbers in the whole cluster. */
  readonly #members = new Map<number, LinkEvents>();

  /**
   * @param adapter The adapter between the nodes.
   * @param kind How the hub learns of members.
   */
  constructor(adapter: Adapter, kind: "gossip" | "central") {
    const hub: Crowded = this.hub = createHub(contract, {
      adapter,
      authenticate: ({ role, token }) => ({ role, user: { id: token ?? "watcher" } }),
      limits: { messagesPerSecond: 1e9, messageBurst: 1e9 },
      transports: [this.#transport, createWebSocketTransport()],
      presence: { kind, authorize: { "crowd/:id": () => true }, maxListed: MAX_LISTED },
      heartbeatMs: NO_HEARTBEAT_MS,
      onError: (error, { stage }) => console.error(stage, error),
    });
    hub.implement({
      member: {
        enter: ({ room }, { conn }) => hub.room(room).add(conn),
        leave: ({ room }, { conn }) => hub.room(room).remove(conn),
      },
    });
  }

  /** Connects members, numbered from `from` on. The id of a user is a marker and seven digits, which the load client reads. */
  async connect(from: number, count: number): Promise<void> {
    for (let first = from; first < from + count; first += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, from + count - first) }, (_, i) => first + i);
      await Promise.all(numbers.map(async (number) => {
        this.#members.set(number, await this.#transport.connect(`#${String(number).padStart(7, "0")}`));
      }));
    }
  }

  /** Lets members enter a room, or leave it: some in each turn. Resolves when all have done it on this node. */
  async send(what: "enter" | "leave", room: string, from: number, count: number): Promise<void> {
    const frame = JSON.stringify([["sig", what, { room }]]);
    for (let number = from; number < from + count; number++) {
      this.#members.get(number)!.message(frame);
      if ((number - from) % A_TURN === A_TURN - 1) await turn();
    }
    await turn();
  }
}
