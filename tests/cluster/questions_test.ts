import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { acquainted, testOnAdapters } from "../hub/cluster.ts";
import { codeOf, rejection, turn } from "../hub/wires.ts";

testOnAdapters(
  "nodes converge on start, join and leave, and tell how many connections they have",
  async (start) => {
    await using cluster = await start(3);
    const fourth = await cluster.add();
    await acquainted(cluster.nodes.map(({ hub }) => hub));
    for (const { hub } of cluster.nodes) {
      const [self, ...others] = hub.cluster.nodes();
      assertEquals([self!.id, self!.self, self!.state], [hub.nodeId, true, "up"]);
      for (const other of others) {
        assertEquals([other.self, other.state, other.connections], [
          false,
          "up",
          0,
        ]);
      }
      assertEquals(self!.startedAt > 1_600_000_000_000, true);
    }
    await fourth.member();
    assertEquals(fourth.hub.cluster.nodes()[0]!.connections, 1);
    await fourth.hub.close();
    await acquainted(cluster.nodes.slice(0, 3).map(({ hub }) => hub));
  },
);

testOnAdapters("a new node is reachable by publishes as soon as it is ready", async (start) => {
  await using cluster = await start(1);
  for (let n = 1; n < 5; n++) {
    const node = await cluster.add();
    const client = await node.member("ann");
    const heard: string[] = [];
    client.on("message", ({ text }) => heard.push(text));
    client.on("dm", ({ text }) => heard.push(text));
    await client.request("join", { room: "lobby" });
    const [first] = cluster.nodes;
    first!.hub.room("lobby").broadcast("message", { room: "", text: "room" });
    first!.hub.user("ann").emit("dm", { text: "user" });
    first!.hub.connection(client.connectionId!).emit("dm", { text: "conn" });
    await waitFor(() => heard.length === 3, { what: "all three" });
  }
});

testOnAdapters("bus events reach every other node in order, never the sender", async (start) => {
  await using cluster = await start(3);
  const heard: string[][] = cluster.nodes.map(() => []);
  const names = new Map(cluster.nodes.map(({ hub }, i) => [hub.nodeId, i]));
  const offs = cluster.nodes.map(({ hub }, i) =>
    hub.onServer("invalidate", ({ key }, { from }) => void heard[i]!.push(`${names.get(from)} ${key}`))
  );
  for (let n = 0; n < 3; n++) {
    for (const { hub } of cluster.nodes) hub.emitServer("invalidate", { key: `${n}` });
  }
  await waitFor(() => heard.every(({ length }) => length === 6), { what: "everything" });
  for (const [i, mine] of heard.entries()) {
    for (const other of [0, 1, 2]) {
      const expected = other === i ? [] : ["0", "1", "2"].map((n) => `${other} ${n}`);
      assertEquals(mine.filter((text) => text.startsWith(`${other} `)), expected);
    }
  }
  offs[0]!();
  offs[0]!();
  cluster.nodes[1]!.hub.emitServer("invalidate", { key: "late" });
  await waitFor(() => heard[2]!.length === 7, { what: "the last" });
  await turn();
  assertEquals(heard[0]!.length, 6);
});

testOnAdapters(
  "bus requests gather answers; who has no answerer, fails or is late is missing",
  async (start) => {
    await using cluster = await start(5);
    const [a, b, c, d, e] = cluster.nodes.map(({ hub }) => hub);
    b!.onServer("load", (_, { from }) => ({ conns: from === a!.nodeId ? 1 : -1 }));
    const off = c!.onServer("load", async () => {
      await turn();
      return { conns: 2 };
    });
    d!.onServer("load", () => new Promise<never>(() => {})); // never; e has no answerer at all
    const { answers, missing } = await a!.requestServers("load", {}, { timeoutMs: 100 });
    assertEquals([...answers].sort(), [[b!.nodeId, { conns: 1 }], [c!.nodeId, { conns: 2 }]].sort() as never);
    assertEquals(missing.toSorted(), [d!.nodeId, e!.nodeId].sort());
    off();
    c!.onServer("load", () => ({ conns: "many" }) as never);
    const again = await a!.requestServers("load", {}, { timeoutMs: 100 });
    assertEquals([[...again.answers.keys()], again.missing.length], [[b!.nodeId], 3]);
    await codeOf(() => b!.onServer("load", () => ({ conns: 0 }))).then((code) =>
      assertEquals(code.includes("twice"), true)
    );
    for (const { hub } of cluster.nodes) assertEquals(hub.stats().questions, 0);
  },
);

testOnAdapters(
  "a question ends at once when the node that is asked leaves, or the asker gives up",
  async (start) => {
    await using cluster = await start(3, { cluster: { requestTimeoutMs: 60_000 } });
    const [a, b, c] = cluster.nodes;
    b!.hub.onServer("load", () => ({ conns: 1 }));
    c!.hub.onServer("load", () => new Promise<never>(() => {}));
    const gathering = a!.hub.requestServers("load", {});
    const aborter = new AbortController();
    const aborted = a!.hub.requestServers("load", {}, { signal: aborter.signal });
    await waitFor(() => a!.hub.stats().questions === 2, { what: "both questions" });
    aborter.abort(new Error("enough"));
    assertEquals((await rejection(aborted) as Error).message, "enough");
    assertEquals(
      await codeOf(() => a!.hub.cluster.count({}, { signal: aborter.signal })).then(String),
      "not a HubError: Error: enough",
    );
    await c!.hub.close();
    const { answers, missing } = await gathering;
    assertEquals([[...answers.keys()], missing], [[b!.hub.nodeId], [c!.hub.nodeId]]);
    assertEquals(a!.hub.stats().questions, 0);
  },
);

testOnAdapters("a hub that closes ends its own questions with what it has", async (start) => {
  await using cluster = await start(3, { cluster: { requestTimeoutMs: 60_000 } });
  const [a, b, c] = cluster.nodes;
  b!.hub.onServer("load", () => ({ conns: 1 }));
  c!.hub.onServer("load", () => new Promise<never>(() => {}));
  let answered = false;
  const gathering = a!.hub.requestServers("load", {});
  b!.tap.publish = ((publish) => (channel, data) => {
    publish.call(b!.tap, channel, data);
    answered = true;
  })(b!.tap.publish);
  await waitFor(() => answered, { what: "an answer" });
  await turn();
  await a!.hub.close();
  const { answers, missing } = await gathering;
  assertEquals([answers.size + missing.length, missing.includes(c!.hub.nodeId)], [2, true]);
  assertEquals(a!.hub.stats().questions, 0);
});

testOnAdapters("a node that is alone asks nobody: no question touches the backplane", async (start) => {
  await using cluster = await start(1);
  const [a] = cluster.nodes;
  const ann = await a!.member("ann");
  ann.implement({ confirm: () => true });
  const before = a!.tap.published.length;
  assertEquals((await a!.hub.cluster.connections({ user: "ann" })).connections.length, 1);
  assertEquals(await a!.hub.cluster.count(), { count: 1, missing: [] });
  assertEquals((await a!.hub.cluster.join({ user: "ann" }, "room")).count, 1);
  assertEquals((await a!.hub.room("room").members()).connections.length, 1);
  assertEquals((await a!.hub.cluster.leave({ user: "ann" }, "room")).count, 1);
  assertEquals((await a!.hub.requestServers("load", {})).answers.size, 0);
  assertEquals(await a!.hub.connection(ann.connectionId!).request("confirm", { question: "?" }), true);
  a!.hub.connection(ann.connectionId!).emit("dm", { text: "" });
  assertEquals((await a!.hub.cluster.disconnect({ user: "ann" })).count, 1);
  await turn();
  assertEquals(a!.tap.published.slice(before), []);
});

testOnAdapters(
  "a message over the adapter's limit is TOO_LARGE at the caller, and reaches nobody in part",
  async (start) => {
    await using cluster = await start(1);
    const node = await cluster.add({ maxMessageBytes: 2_000 });
    await acquainted(cluster.nodes.map(({ hub }) => hub));
    const [a] = cluster.nodes;
    const heard: string[] = [];
    const near = await node.member("ann");
    const far = await a!.member("ann");
    for (const [name, client] of [["near", near], ["far", far]] as const) {
      client.on("dm", ({ text }) => heard.push(`${name} ${text.length}`));
      await client.subscribe("stats", () => {}).ready;
    }
    const text = "ü".repeat(1_500);
    for (
      const call of [
        () => node.hub.user("ann").emit("dm", { text }),
        () => node.hub.forRole("member").emit("dm", { text }),
        () => node.hub.room("r").broadcast("dm", { text }),
        () => node.hub.rooms(["r", "s"]).broadcast("dm", { text }),
        () => node.hub.connection(far.connectionId!).emit("dm", { text }),
      ]
    ) {
      const error = await rejection((async () => await call())());
      assertEquals([error.code, (error.data as { maxBytes: number }).maxBytes], ["TOO_LARGE", 2_000]);
    }
    // Small ones of one turn share messages of the backplane, each within the limit.
    for (let n = 0; n < 20; n++) node.hub.user("ann").emit("dm", { text: "ü".repeat(200) });
    await waitFor(() => heard.length === 40, { what: "the small ones" });
    const sizes = node.tap.published.map(({ data }) => new TextEncoder().encode(data as string).length);
    assertEquals(sizes.filter((size) => size > 2_000), []);
  },
);
