import { assertEquals } from "@std/assert";
import layers from "../../tools/lint/layers.ts";
import { test } from "../harness.ts";

/** The ids of the rules that a file of this content breaks. */
function lint(path: string, source: string): string[] {
  return Deno.lint.runPlugin(layers, path, source).map(({ id }) => id.replace("trunkline/", ""));
}

const ALLOWED: [path: string, source: string][] = [
  ["contract/wire.ts", `import { parse } from "./parse.ts";`],
  ["adapters/adapter.ts", `import type { Json } from "../contract/wire.ts";`],
  ["transports/transport.ts", `export type { Json } from "../contract/wire.ts";`],
  ["hub/create_hub.ts", `import { createMemoryAdapter } from "../adapters/memory.ts";`],
  ["hub/create_hub.ts", `import { createWebSocketTransport } from "../transports/websocket/mod.ts";`],
  ["hub/http/routes.ts", `import { Hono } from "hono"; import { cors } from "hono/cors";`],
  ["hub/topics/topics.ts", `import { Registry } from "../groups/registry.ts"; import "./topic_log.ts";`],
  [
    "hub/api/hub.ts",
    `import type { Cluster } from "./cluster.ts"; import type { Adapter } from "../../adapters/adapter.ts";`,
  ],
  [
    "adapters/redis/mod.ts",
    `import { Keeper } from "../kit/redis/keeper.ts"; import { Inbox } from "./inbox.ts";`,
  ],
  [
    "adapters/kit/redis/link.ts",
    `import { encode } from "../envelope.ts"; import type { Adapter } from "../../adapter.ts";`,
  ],
  ["adapters/history_store.ts", `import type { AdapterData } from "./adapter.ts";`],
  ["client/socket.ts", `import type { Transport } from "../transports/transport.ts";`],
  ["adapters/memory.ts", `import { encode } from "./kit/envelope.ts";`],
  ["adapters/memory.ts", `const library = await import("ioredis");`],
  ["adapters/broadcast_channel/mod.ts", `import process from "node:process";`],
  ["transports/websocket/mod.ts", `import { upgrade } from "./deno.ts";`],
  ["transports/websocket/deno.ts", `export const version = Deno.version.deno;`],
  ["mod.ts", `export * from "./hub/mod.ts"; export { createClient } from "./client/mod.ts";`],
  ["conformance/adapter/delivery.ts", `import { createHub } from "../../hub/create_hub.ts";`],
  ["examples/chat/main.ts", `import { createHub } from "@trunkline/hub"; import { page } from "../page.ts";`],
  ["bench/main.ts", `import { createHub } from "@trunkline/hub"; import { delay } from "@std/async";`],
  ["bench/cross_node.ts", `import { startRedis } from "../tools/brokers/redis.ts";`],
  [
    "bench/micro/outbox_bench.ts",
    `import { Outbox } from "../../hub/outbox/outbox.ts"; import "../contract.ts";`,
  ],
  ["tests/hub/rooms_test.ts", `import { createHub } from "../../mod.ts"; console.log(Deno.pid);`],
];

const REFUSED: [rule: string, path: string, source: string][] = [
  ["layers", "contract/wire.ts", `import { z } from "zod";`],
  ["layers", "contract/wire.ts", `import type { Hub } from "../hub/create_hub.ts";`],
  ["layers", "contract/wire.ts", `type Hub = import("../hub/create_hub.ts").Hub;`],
  ["layers", "adapters/adapter.ts", `import { parse } from "../contract/parse.ts";`],
  ["layers", "transports/transport.ts", `import type { Adapter } from "../adapters/adapter.ts";`],
  ["layers", "hub/create_hub.ts", `import { createRedisAdapter } from "../adapters/redis/mod.ts";`],
  ["layers", "hub/create_hub.ts", `export { createClient } from "../client/mod.ts";`],
  ["layers", "hub/create_hub.ts", `import { Buffer } from "node:buffer";`],
  ["layers", "hub/groups/rooms.ts", `import type { Session } from "../session/session.ts";`],
  ["layers", "hub/groups/rooms.ts", `import type { Nodes } from "../nodes/nodes.ts";`],
  ["layers", "hub/api/hub.ts", `import type { Connection } from "../connection/connection.ts";`],
  ["layers", "hub/session/session.ts", `import { createMemoryAdapter } from "../../adapters/memory.ts";`],
  ["layers", "adapters/redis_cluster/mod.ts", `import { Inbox } from "../redis/inbox.ts";`],
  ["layers", "adapters/kit/keeper.ts", `import { Inbox } from "../redis/inbox.ts";`],
  ["layers", "adapters/kit/keeper.ts", `import { createMemoryAdapter } from "../memory.ts";`],
  ["layers", "transports/websocket/mod.ts", `import { createLoopbackTransport } from "../loopback.ts";`],
  ["layers", "transports/kit/frame.ts", `import type { Adapter } from "../../adapters/adapter.ts";`],
  ["layers", "client/mod.ts", `import { createHub } from "../hub/create_hub.ts";`],
  ["layers", "client/mod.ts", `export * from "../adapters/adapter.ts";`],
  ["layers", "adapters/broadcast_channel/mod.ts", `import { createMemoryAdapter } from "../memory.ts";`],
  ["layers", "adapters/memory.ts", `const hub = await import("../hub/create_hub.ts");`],
  ["layers", "adapters/memory.ts", `import { delay } from "@std/async";`],
  ["layers", "adapters/memory.ts", `import { Redis } from "npm:ioredis@^5";`],
  ["layers", "adapters/memory.ts", `import { createHub } from "@trunkline/hub";`],
  ["layers", "transports/loopback.ts", `import { upgrade } from "./websocket/deno.ts";`],
  ["layers", "transports/loopback.ts", `import { createWebSocketTransport } from "./websocket/mod.ts";`],
  ["layers", "conformance/adapter/delivery.ts", `import { assertEquals } from "@std/assert";`],
  ["layers", "conformance/adapter/delivery.ts", `import { test } from "../../tests/harness.ts";`],
  ["layers", "examples/chat/main.ts", `import { createHub } from "../../mod.ts";`],
  ["layers", "bench/fan_out.ts", `import { createHub } from "../hub/create_hub.ts";`],
  ["layers", "bench/fan_out.ts", `import { run } from "../tools/process.ts";`],
  ["layers", "bench/micro/codec_bench.ts", `import { jsonCodec } from "../../contract/codec.ts";`],
  ["layers", "bench/micro/main.ts", `import { redis } from "../../adapters/redis/mod.ts";`],
  ["layers", "bench/micros/outbox_bench.ts", `import { Outbox } from "../../hub/outbox/outbox.ts";`],
  ["facade", "mod.ts", `export const version = "1";`],
  ["facade", "mod.ts", `import { createHub } from "./hub/create_hub.ts";`],
  ["runtime-globals", "hub/create_hub.ts", `export const pid = Deno.pid;`],
  ["runtime-globals", "adapters/memory.ts", `export const onBun = "Bun" in globalThis;`],
  ["runtime-globals", "client/mod.ts", `export type Socket = Deno.Conn;`],
  ["runtime-globals", "conformance/mod.ts", `export const on = typeof (globalThis as never)["Deno"];`],
];

test("the layer rules allow what the design allows", () => {
  for (const [path, source] of ALLOWED) assertEquals(lint(path, source), [], `${path}: ${source}`);
});

test("the layer rules refuse every import and global across a layer's border", () => {
  for (const [rule, path, source] of REFUSED) assertEquals(lint(path, source), [rule], `${path}: ${source}`);
});

test("a report names the rule that was broken", () => {
  const [report] = Deno.lint.runPlugin(layers, "client/mod.ts", `export * from "../hub/mod.ts";`);
  assertEquals(
    report.message,
    '"../hub/mod.ts" may not be imported here: client imports contract and the transport interface, never the hub',
  );
});
