import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  createZeroMqAdapter,
  createZeroMqProxy,
  type ZeroMqAdapterOptions,
} from "@trunkline/hub/adapters/zeromq";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "../../harness.ts";
import { freeAddress, onDeno, openNode } from "./scene.ts";

const onlyDeno = onDeno("zeromq addresses");

/** Valid options of a mesh. */
const MESH = { bind: "tcp://127.0.0.1:*", prefix: "tests" };

function refuses(options: Partial<ZeroMqAdapterOptions>, ...words: string[]): void {
  const error = assertThrows(() => createZeroMqAdapter({ prefix: "tests", ...options }), TypeError);
  for (const word of words) assertStringIncludes(error.message, word);
}

test("zeromq: an address to connect to must have a host and a port: otherwise the node would stay alone without notice", () => {
  for (const peer of ["tcp://a:*", "tcp://a:0", "tcp://*:1", "tcp://a:65536", "tcp://a b:1", "ipc://*"]) {
    refuses({ ...MESH, peers: [peer] }, "peers", "connect to");
    refuses({ ...MESH, peers: [{ address: peer }] }, "address", "connect to");
    refuses({ proxy: { front: peer, back: "tcp://a:2" } }, "proxy.front", "connect to");
    refuses({ proxy: { front: "tcp://a:2", back: peer } }, "proxy.back", "connect to");
  }
  createZeroMqAdapter({ ...MESH, peers: ["tcp://a:65535", "tcp://[::1%lo]:1", "ipc:///run/x", "ipc://@x"] });
});

test("zeromq: a node listens on an existing port, and gives others an address that leads to it", () => {
  refuses({ bind: "tcp://127.0.0.1:65536" }, "bind", "65535");
  for (const advertise of ["tcp://*:1", "ipc://*", `tcp://${"a".repeat(300)}:1`]) {
    refuses({ ...MESH, advertise }, "advertise");
  }
  for (const bind of ["tcp://*:1", "tcp://[0:0:0:0:0:0:0:0]:1", "ipc://*"]) {
    refuses({ bind, curve: "none" }, "give advertise");
    createZeroMqAdapter({ bind, curve: "none", prefix: "tests", advertise: "tcp://a:1" });
  }
});

test("zeromq: the key of another node without own keys is refused, because nothing would be encrypted", () => {
  const publicKey = "x".repeat(40);
  for (const curve of [undefined, "none"] as const) {
    refuses({ ...MESH, curve, peers: [{ address: "tcp://a:1", publicKey }] }, "peers", "without curve");
    refuses(
      { curve, proxy: { front: "tcp://a:1", back: "tcp://a:2", publicKey } },
      "proxy.publicKey",
      "without curve",
    );
  }
});

onlyDeno("zeromq addresses: once close resolves the next one can listen there", async () => {
  const [front, back] = [await freeAddress(), await freeAddress()];
  const rounds = 20; // it has gone wrong in one of six
  for (let i = 0; i < rounds; i++) {
    const proxy = await createZeroMqProxy({ front, back });
    await proxy.close();
  }
  for (let i = 0; i < rounds; i++) {
    const node = await openNode({ bind: front });
    await node.adapter.close();
  }
});

onlyDeno("zeromq addresses: nodes of one machine meet at a name that is in no folder", async () => {
  const name = (i: number) => `ipc://@trunkline-${process.pid}-${i}`;
  await using a = await openNode({ bind: name(1) });
  await using b = await openNode({ bind: name(2), peers: [name(1)] });
  await b.adapter.subscribe("news");
  a.adapter.publish("news", "hello");
  await b.got("news", "hello");
});

onlyDeno("zeromq addresses: nodes and proxies that are closed leave no descriptors behind", async () => {
  const { readdirSync } = await import("node:fs");
  const count = () => readdirSync("/proc/self/fd").length;
  const folder = join(tmpdir(), crypto.randomUUID());
  const once = async (i: number) => {
    await using _node = await openNode({ bind: `ipc://${folder}-${i}` });
    await using proxy = await createZeroMqProxy({ front: "tcp://127.0.0.1:*", back: "tcp://127.0.0.1:*" });
    await using _other = await openNode({ proxy: { front: proxy.front, back: proxy.back } });
  };
  await once(0); // what is there from then on
  const before = count();
  for (let i = 1; i <= 3; i++) await once(i);
  assertEquals(count() - before < 3, true, `${count() - before} descriptors are left`);
});
