import { assertEquals, assertStringIncludes } from "@std/assert";
import { createLibp2pIdentity, createRelayNode } from "../../../adapters/libp2p/mod.ts";
import { fileURLToPath } from "node:url";
import { Program } from "../../examples/program.ts";
import { runtime, test, waitFor } from "../../harness.ts";
import { createNode, openNode } from "./scene.ts";

const LISTEN = ["/ip4/127.0.0.1/tcp/0"];
const flags = runtime === "deno" ? ["--allow-all", "--no-check", "--quiet"] : [];

test("libp2p: nodes that know nothing but a relay find each other, and go on without it", async () => {
  const relay = await createRelayNode({ allow: "anybody", listen: LISTEN });
  const discovery = { relays: relay.addresses };
  await using a = await openNode({ discovery }, "news");
  await using b = await openNode({ discovery }, "news");
  a.adapter.publish("news", "by way of introduction");
  await b.got("news", "by way of introduction");
  await using other = await openNode({ discovery, prefix: "another" }, "news");
  assertEquals(relay.nodes, 3);
  await relay.close();
  b.adapter.publish("news", "directly");
  await a.got("news", "directly");
  assertEquals([a.statuses, b.statuses, other.received.length], [["up"], ["up"], 0]);
});

test("libp2p: nodes that listen nowhere reach each other through a relay", async () => {
  await using relay = await createRelayNode({ allow: "anybody", listen: LISTEN });
  const discovery = { relays: relay.addresses };
  await using a = await openNode({ discovery, listen: [] }, "news");
  await using b = await openNode({ discovery, listen: [] }, "news");
  const large = "x".repeat(600_000);
  a.adapter.publish("news", "there");
  a.adapter.publish("news", large);
  await b.got("news", large);
  b.adapter.publish("news", "back");
  await a.got("news", "back");
  assertEquals(b.on("news").map((data) => data.length), [5, 600_000]);
});

test("libp2p: a node whose relay cannot be reached waits for it, and reports this", async () => {
  const { privateKey } = await createLibp2pIdentity();
  const first = await createRelayNode({ allow: "anybody", listen: LISTEN, privateKey });
  const relays = first.addresses;
  await first.close();
  await using a = createNode({ discovery: { relays } });
  await waitFor(() => a.errors.length === 1);
  const [{ error, stage }] = a.errors;
  assertEquals([stage, a.statuses], ["open", []]);
  assertStringIncludes(error.message, `Cannot reach any other node by libp2p: relay ${relays[0]}: `);
  const listen = [relays[0]!.split("/p2p/")[0]!];
  await using _again = await createRelayNode({ allow: "anybody", listen, privateKey });
  await a.opening;
  assertEquals([a.statuses, a.errors.length], [["up"], 1]);
});

test("libp2p: a process ends by itself once its adapters and relays are closed", async () => {
  await using program = new Program(["run", ...flags, fileURLToPath(new URL("./brief.ts", import.meta.url))]);
  const { code, output } = await program.ended();
  assertEquals([code, output], [0, "closed\n"]);
}, { timeoutMs: 30_000 });
