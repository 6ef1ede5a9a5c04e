/**
 * The dialects of each kind of server as a cluster. A client joins nothing when it connects. Clients subscribe to topics,
 * and other clients publish to topics without a subscription.
 *
 * @module
 */

import type { Step } from "./connection.ts";
import { type Dialect, dialects, publish, subscribe, topic } from "./dialects.ts";

/** A way of speaking to a node. */
export interface ClusterDialect extends Omit<Dialect, "message" | "request"> {
  /** Subscribes to topics, and waits for the server's confirmations. */
  subscribe(topics: readonly string[]): readonly Step[];
  /** Publishes to a topic. */
  publish(topic: string, text: string): string;
}

const trunkline: ClusterDialect = {
  ...dialects.topics!,
  // Confirmations may arrive in any order, so each topic has its own frame.
  subscribe: (topics) => topics.flatMap((name) => [{ say: subscribe([name]) }, { waitFor: '["res",1' }]),
  publish,
};

/** The topic with history that has the same number. */
const kept = (name: string): string => name.replace("line/", "kept/");

/** Trunkline's topics with history: their messages have offsets. */
const history: ClusterDialect = {
  ...trunkline,
  subscribe: (topics) => trunkline.subscribe(topics.map(kept)),
  publish: (name, text) => JSON.stringify([["sig", "keep", { id: name.slice("line/".length), text }]]),
  heard: {
    message: (text) => JSON.stringify(["rec", kept(topic(0)), 1, { text }]),
    around: 2,
    between: 1,
    numbered: true,
  },
};

const socketIo: ClusterDialect = {
  ...dialects["socket.io"]!,
  opening: [{ waitFor: "0{", say: "40" }, { waitFor: "40{" }],
  subscribe: (topics) => [{ say: `42${JSON.stringify(["join", topics])}` }, { waitFor: '42["joined"' }],
  publish: (room, text) => `42${JSON.stringify(["say", { room, text }])}`,
};

const plain: ClusterDialect = {
  ...dialects.plain!,
  subscribe: (topics) => [{ say: `+${JSON.stringify(topics)}` }, { waitFor: "joined" }],
  publish: (room, text) => JSON.stringify({ room, text }),
  heard: { message: (text) => JSON.stringify({ room: topic(0), text }), around: 0 },
};

/** The dialects by name, as in {@linkcode dialects}. */
export const clusterDialects: Readonly<Record<string, ClusterDialect>> = {
  trunkline,
  history,
  plain,
  "socket.io": socketIo,
};
