import { assert, assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import { createNode, type Node } from "../hub/chat.ts";
import { acquainted, ADAPTERS, testOnAdapters } from "../hub/cluster.ts";

for (const [name, createBackbone] of Object.entries(ADAPTERS)) {
  test(`promise 11: two applications on one backplane never meet [${name}]`, async () => {
    const create = createBackbone();
    await using one = await createNode(undefined, { adapter: create("one") });
    await using other = await createNode(undefined, { adapter: create("two") });
    await using second = await createNode(undefined, { adapter: create("two") });
    await acquainted([other.hub, second.hub]);
    assertEquals(one.hub.cluster.nodes().length, 1);
    const heard: string[] = [];
    for (const [i, node] of [one, other, second].entries()) {
      const client = await node.member("ann");
      client.on("message", ({ text }) => heard.push(`${i} ${text}`));
      client.on("dm", ({ text }) => heard.push(`${i} ${text}`));
      await client.subscribe("stats", ({ n }) => heard.push(`${i} ${n}`)).ready;
      await client.request("join", { room: "lobby" });
      node.hub.onServer("invalidate", ({ key }) => void heard.push(`${i} ${key}`));
    }
    one.hub.room("lobby").broadcast("message", { room: "lobby", text: "room" });
    one.hub.publish("stats", { n: 1 });
    one.hub.user("ann").emit("dm", { text: "user" });
    one.hub.forRole("member").emit("dm", { text: "role" });
    one.hub.emitServer("invalidate", { key: "bus" });
    other.hub.emitServer("invalidate", { key: "end" });
    other.hub.room("lobby").broadcast("message", { room: "lobby", text: "end" });
    await waitFor(() => heard.includes("2 end"), { what: "the end" });
    await waitFor(() => heard.filter((text) => text === "2 end").length === 2, { what: "both ends" });
    assertEquals(heard.toSorted(), ["0 1", "0 role", "0 room", "0 user", "1 end", "2 end", "2 end"]);
    assertEquals((await one.hub.cluster.connections()).connections.length, 1);
    assertEquals((await other.hub.cluster.connections()).connections.length, 2);
  });
}

testOnAdapters(
  "promise 11: foreign and malformed data on a hub's channels is ignored, counted and reported",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const ann = await a!.member("ann");
    const heard: string[] = [];
    ann.on("message", ({ text }) => heard.push(text));
    await ann.request("join", { room: "lobby" });
    const before = JSON.stringify(a!.hub.stats());
    const foreign = [
      "",
      "hello",
      "null",
      "{}",
      "[null]",
      '["ev"]',
      "[[]]",
      '[["nothing"]]',
      '[["__proto__"]]',
      '[["ev",1]]',
      '[["evs","id",{},"message"]]',
      '[["beat",{}]]',
      '[["hello",{"incarnation":-1,"connections":0}]]',
      '[["ask",1]]',
      '[["ans","1"]]',
      '[["fail",1,{}]]',
      new Uint8Array([0xff, 0xfe, 0]),
      "[".repeat(10_000),
    ];
    for (const data of foreign) {
      for (const channel of ["room:lobby", "cluster", `node:${a!.hub.nodeId}`]) a!.tap.inject(channel, data);
    }
    // Told once for each channel and kind (what is no list, and a list of what is no message), and counted in full.
    assertEquals(a!.errors.length, 3 * 2);
    for (const { info } of a!.errors) assertEquals(info.stage, "delivery");
    assertEquals(await malformed(a!), 3 * foreign.length);
    // Of the right form, but without an existing target: it has no effect.
    for (
      const message of [
        ["ans", 99, 1],
        ["fail", 99, { code: "X", message: "x" }],
        ["fail", 99, { code: "X", message: "x" }, true],
        ["to", "nobody.1", "message", {}],
        ["shut", "nobody.1", ""],
        ["user", "nobody", "dm", { text: "" }],
        ["bye"],
      ]
    ) a!.tap.inject(`node:${a!.hub.nodeId}`, JSON.stringify([message]));
    b!.hub.room("lobby").broadcast("message", { room: "lobby", text: "good" });
    await waitFor(() => heard.length > 0, { what: "the good one" });
    assertEquals([heard, JSON.stringify(a!.hub.stats())], [["good"], before]);
    assert(ann.status === "open");
    await acquainted([a!.hub, b!.hub]);
  },
);

testOnAdapters(
  "promise 11: unknown messages of a node do not affect the others in the same batch",
  async (start) => {
    await using cluster = await start(2);
    const [a] = cluster.nodes;
    const ann = await a!.member("ann");
    const heard: string[] = [];
    ann.on("message", ({ text }) => heard.push(text));
    await ann.request("join", { room: "lobby" });
    const say = (text: string) => ["ev", "message", null, { room: "lobby", text }];
    a!.tap.inject("room:lobby", JSON.stringify([say("one"), ["of a newer version"], null, say("two")]));
    await waitFor(() => heard.length === 2, { what: "the known ones" });
    assertEquals([heard, a!.errors.length, await malformed(a!)], [["one", "two"], 1, 2]);
  },
);

async function malformed({ hub }: Node): Promise<number> {
  return (await (await hub.routes.request("/health")).json()).backplane.malformed;
}
