/**
 * A worker of `node:cluster` with a hub and a client in its room, for `workers_test.ts`. It does not use the harness, which
 * works in tests alone.
 */
import process from "node:process";
import { createClient, createHub } from "@trunkline/hub";
import { createNodeClusterAdapter } from "@trunkline/hub/adapters/node-cluster";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { chat, type ChatHub } from "../../hub/chat.ts";

/** A message to the worker. */
export type Order =
  | readonly ["say", text: string, count: number]
  | readonly ["nodes"]
  | readonly ["close"];

/** A message of the worker. */
export type Word =
  | readonly ["ready", nodeId: string]
  | readonly ["heard", text: string]
  | readonly ["left", nodeId: string, reason: string]
  | readonly ["backplane", status: string]
  | readonly ["error", message: string]
  | readonly ["nodes", ids: readonly string[]]
  | readonly ["closed"];

const say = (...word: Word) => void process.send!({ word });

const transport = createLoopbackTransport();
const hub: ChatHub = createHub(chat, {
  authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
  transports: [transport],
  adapter: createNodeClusterAdapter({ prefix: process.env["PREFIX"]! }),
  history: "per-node",
  onConnection: (conn) => hub.room("all").add(conn),
  onError: (error) => say("error", (error as Error).message),
});
hub.cluster.on("leave", ({ id, reason }) => say("left", id, reason));
hub.cluster.on("backplane", (status) => say("backplane", status));

process.on("message", async (message: { readonly order?: Order }) => {
  const { order } = message;
  switch (order?.[0]) {
    case "say":
      for (let i = 0; i < order[2]; i++) {
        hub.room("all").broadcast("message", { room: "all", text: `${order[1]} ${i}` });
      }
      return;
    case "nodes":
      return say("nodes", hub.cluster.nodes().map(({ id }) => id));
    case "close":
      await client.close();
      await hub.close();
      return say("closed");
  }
});

await hub.ready;
const client = createClient(chat, {
  url: "ws://loopback",
  role: "member",
  token: "cid",
  transport: transport.client(),
});
client.on("message", ({ text }) => say("heard", text));
await client.ready;
say("ready", hub.nodeId);
