/**
 * One node of the demo: a hub with its handlers, on its own port.
 *
 * @module
 */

import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { Hono } from "hono";
import type { Slot } from "../contract.ts";
import { catchUp, waitForOthers } from "./catch_up.ts";
import { serveChat } from "./chat.ts";
import { createDemoHub } from "./create_hub.ts";
import { tellCrossings } from "./crossings.ts";
import { listen, type Wanted } from "./listen.ts";
import { Recent } from "./recent.ts";
import { Reporter } from "./reporter.ts";
import { Ticker } from "./ticker.ts";
import { type Traffic, watchTraffic } from "./traffic.ts";

/** The options of a node. */
export interface NodeOptions extends Wanted {
  /** The number of the node. */
  readonly number: number;
  /** The origins of the pages that may connect. */
  readonly origins: readonly string[];
  /** The seed of the prices of this run. */
  readonly seed: string;
}

/** A running node. */
export interface RunningNode {
  /** The port on which it listens. */
  readonly port: number;
  /** Tells the node, and its clients, the states of all nodes. */
  tell(slots: readonly Slot[]): void;
  /** Sends its clients to other nodes within a given time, and ends. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Starts a node.
 *
 * @param options Its number and port.
 * @param adapter Connects it to the other nodes.
 */
export async function startNode(options: NodeOptions, adapter: Adapter): Promise<RunningNode> {
  const { number, origins, seed } = options;
  const traffic: Traffic = { in: 0, out: 0, backplane: "down" };
  const recent = new Recent();

  const hub = createDemoHub(watchTraffic(adapter, traffic), origins, {
    async onConnection(conn) {
      await hub.room(reporter.room).add(conn);
      conn.emit("cluster", reporter.view());
    },
    onError(error, { stage, name }) {
      // While the backplane is away, each message to other nodes fails. The outage itself is printed once.
      if (stage === "publish") return;
      console.error(`Node ${number}: ${stage}${name ? ` ${name}` : ""}: ${(error as Error).message}`);
    },
  });
  const reporter = new Reporter({ hub, number, traffic, recent });
  const ticker = new Ticker({ hub, number, seed, publishes: (yes) => reporter.publishesTicker = yes });
  serveChat(hub, recent, number);
  hub.onServer("load", () => reporter.load());
  hub.onServer("recent", () => recent.all());
  tellCrossings(hub, reporter, recent, number);

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
        // Last: no other node publishes until it has got the goodbye.
        ticker.stop();
        await server.close();
      },
    };
  } catch (error) {
    await hub.close();
    throw error;
  }
}
