/**
 * Members without sockets: connections of a hub that enter and leave rooms of whose members it keeps presence.
 *
 * @module
 */

import { createHub, defineContract, type Hub, type HubUser } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import type { LinkEvents } from "@trunkline/hub/transports/transport";
import { createWebSocketTransport } from "@trunkline/hub/transports/websocket";
import { z } from "zod";
import { NoTransport } from "../../no_transport.ts";

/** So many come in a turn, or leave: a turn has what the sockets of a process brought together. */
const A_TURN = 100;
/** So many have no answer to their hello at a time. */
const AT_ONCE = 500;
/** With more members than these, watchers would be told only their number. */
const MAX_LISTED = 20_000;
/** Nobody without a socket answers a heartbeat. */
const NO_HEARTBEAT_MS = 3_600_000;

const Room = z.object({ room: z.string() });
const contract = defineContract({
  roles: { member: { clientToServer: { enter: { payload: Room }, leave: { payload: Room } } } },
  presence: { "crowd/:id": z.object({ away: z.boolean() }) },
});

type Crowded = Hub<(typeof contract)["definition"], HubUser, undefined>;

/** The end of a turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A hub, and the members that this node has. */
export class Crowd {
  readonly hub: Crowded;
  readonly #transport = new NoTransport();
  /** Each by its number among all members of the cluster. */
  readonly #members = new Map<number, LinkEvents>();

  /**
   * @param adapter What goes between the nodes.
   * @param kind How the hub knows who is where.
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

  /** Members connect, with numbers from one on. Their users are a marker and seven digits, which the load client reads. */
  async connect(from: number, count: number): Promise<void> {
    for (let first = from; first < from + count; first += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, from + count - first) }, (_, i) => first + i);
      await Promise.all(numbers.map(async (number) => {
        this.#members.set(number, await this.#transport.connect(`#${String(number).padStart(7, "0")}`));
      }));
    }
  }

  /** Members enter a room, or leave it: some in each turn, one turn after the other. Resolves when they have, on this node. */
  async send(what: "enter" | "leave", room: string, from: number, count: number): Promise<void> {
    const frame = JSON.stringify([["sig", what, { room }]]);
    for (let number = from; number < from + count; number++) {
      this.#members.get(number)!.message(frame);
      if ((number - from) % A_TURN === A_TURN - 1) await turn();
    }
    await turn();
  }
}
