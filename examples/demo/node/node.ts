/**
 * One node of the demo: a hub, what it does with what its clients say, and a port of its own.
 *
 * @module
 */

import { createHub, HubError } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { Hono } from "hono";
import { chatRoom, contract, type Crossing, type Message, Name, ROOMS, type Slot } from "../contract.ts";
import { catchUp, waitForOthers } from "./catch_up.ts";
import { listen, type Wanted } from "./listen.ts";
import { Recent } from "./recent.ts";
import { Reporter } from "./reporter.ts";
import { Ticker } from "./ticker.ts";
import { type Traffic, watchTraffic } from "./traffic.ts";

/** What a node needs to know. */
export interface NodeOptions extends Wanted {
  /** What people call it. */
  readonly number: number;
  /** The origins of the pages that may connect. */
  readonly origins: readonly string[];
  /** What makes the prices of this run. */
  readonly seed: string;
}

/** A node that runs. */
export interface RunningNode {
  /** Where it listens. */
  readonly port: number;
  /** Tells it, and through it its clients, what became of the nodes. */
  tell(slots: readonly Slot[]): void;
  /** Sends its clients to other nodes within a time, and ends. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Starts a node.
 *
 * @param options Its number and port.
 * @param adapter How it reaches the others.
 */
export async function startNode(options: NodeOptions, adapter: Adapter): Promise<RunningNode> {
  const { number, origins, seed } = options;
  const traffic: Traffic = { in: 0, out: 0, backplane: "down" };
  const recent = new Recent();

  const hub = createHub(contract, {
    adapter: watchTraffic(adapter, traffic),
    // Some adapters have no store: then a chart that has missed prices asks the node for all of them.
    history: adapter.history ?? "per-node",
    origins,
    authenticate({ role, token }) {
      const name = Name.safeParse(token);
      if (!name.success) {
        throw new HubError("UNAUTHENTICATED", "Say who you are: a name of 1 to 24 characters");
      }
      // A name is a user: all windows that say the same one.
      return { role, user: { id: name.data } };
    },
    async onConnection(conn) {
      await hub.room(reporter.room).add(conn);
      conn.emit("cluster", reporter.view());
    },
    onError(error, { stage, name }) {
      // While the backplane is away, each message fails that leaves the node; that it is away is said once.
      if (stage === "publish") return;
      console.error(`Node ${number}: ${stage}${name ? ` ${name}` : ""}: ${(error as Error).message}`);
    },
    // Whoever reloads the page, or is sent to another node, neither leaves nor joins.
    presence: { leaveAfterMs: 1_000 },
    // Short, so that the end of a killed node is seen soon.
    cluster: { heartbeatMs: 500, nodeTimeoutMs: 2_000, requestTimeoutMs: 800 },
    // Whoever is on this node can talk and move about here while the backplane is away.
    startWithoutBackplane: true,
  });
  const reporter = new Reporter({ hub, number, traffic, recent });
  const ticker = new Ticker({ hub, number, seed, publishes: (yes) => reporter.publishesTicker = yes });

  /** Tells the clients of this node what came from another one. */
  function report(crossing: Omit<Crossing, "to">): void {
    hub.room(reporter.room).broadcast("crossing", { ...crossing, to: number });
  }

  hub.implement({
    member: {
      async join({ room }, { conn }) {
        await hub.room(chatRoom(room)).add(conn); // and so the others see who has come
        return { recent: recent.of(room) };
      },
      leave({ room }, { conn }) {
        hub.room(chatRoom(room)).remove(conn);
      },
      say({ id, room, text }, { conn }) {
        const message: Message = { id, room, text, name: conn.user!.id, at: Date.now(), node: number };
        // A page that lost its link before the answer says it again, here or on another node.
        if (!recent.add(message)) return recent.find(room, id) ?? message;
        hub.room(chatRoom(room)).broadcast("message", message);
        hub.emitServer("said", message);
        return message;
      },
      async ticks({ symbol }) {
        const { records } = await hub.history(`ticker/${symbol}`);
        return records.map(({ payload }) => payload);
      },
    },
  });
  hub.onServer("load", () => reporter.load());
  hub.onServer("recent", () => recent.all());
  hub.onServer("said", (message) => {
    recent.add(message);
    report({ at: message.at, from: message.node, what: "message", room: message.room, name: message.name });
  });
  for (const room of ROOMS) {
    for (const what of ["join", "leave"] as const) {
      hub.presence(chatRoom(room)).on(what, ({ id: name, node }) => {
        const from = reporter.numberOf(node);
        if (from > 0 && from !== number) report({ at: Date.now(), from, what, room, name });
      });
    }
  }

  const app = new Hono();
  app.route("/realtime", hub.routes);
  try {
    await hub.ready;
    await waitForOthers(hub, traffic);
    await catchUp(hub, recent);
    const server = await listen(app.fetch, options);
    reporter.start();
    ticker.start();
    return {
      port: server.port,
      tell: (slots) => reporter.tell(slots),
      async stop(drainMs) {
        reporter.stop();
        await hub.close({ drainMs });
        // Last: until the others have heard the goodbye nobody else publishes.
        ticker.stop();
        await server.close();
      },
    };
  } catch (error) {
    await hub.close();
    throw error;
  }
}
