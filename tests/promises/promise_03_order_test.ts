import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { testOnAdapters } from "../hub/cluster.ts";
import { turn } from "../hub/wires.ts";

const COUNT = 200;

testOnAdapters(
  "promise 3: one publisher's messages on one channel arrive in order everywhere",
  async (start) => {
    await using cluster = await start(3);
    const heard: string[][] = [];
    for (const node of cluster.nodes) {
      const client = await node.member();
      const mine: string[] = [];
      heard.push(mine);
      client.on("message", ({ text }) => mine.push(`room ${text}`));
      client.on("dm", ({ text }) => mine.push(`role ${text}`));
      await client.request("join", { room: "lobby" });
      await client.subscribe("ticker/ACME", ({ price }) => mine.push(`ticker ${price}`)).ready;
      await client.subscribe("log/x", ({ n }) => mine.push(`log ${n}`)).ready;
    }
    for (let n = 0; n < COUNT; n++) {
      for (const [i, { hub }] of cluster.nodes.entries()) {
        hub.room("lobby").broadcast("message", { room: "lobby", text: `${i} ${n}` });
        hub.publish("ticker/ACME", { price: i * COUNT + n });
        void hub.publish("log/x", { n: i * COUNT + n });
        hub.forRole("member").emit("dm", { text: `${i} ${n}` });
      }
      if (n % 20 === 0) await turn();
    }
    await waitFor(() => heard.every(({ length }) => length === 4 * 3 * COUNT), { what: "everything" });
    for (const mine of heard) {
      for (const [i] of cluster.nodes.entries()) {
        const numbers = (kind: string) =>
          mine.filter((text) => text.startsWith(kind)).map((text) => Number(text.split(" ").at(-1)));
        const inOrder = Array.from({ length: COUNT }, (_, n) => n);
        assertEquals(numbers(`room ${i} `), inOrder);
        assertEquals(numbers(`role ${i} `), inOrder);
        const own = (n: number) => Math.floor(n / COUNT) === i;
        assertEquals(numbers("ticker").filter(own), inOrder.map((n) => i * COUNT + n));
        assertEquals(numbers("log").filter(own), inOrder.map((n) => i * COUNT + n));
      }
    }
  },
);

testOnAdapters("promise 3: broadcasts to one and to several rooms keep their order", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const heard: string[][] = [];
  for (const room of ["a", "b"]) {
    const client = await b!.member();
    const mine: string[] = [];
    heard.push(mine);
    client.on("message", ({ text }) => mine.push(text));
    await client.request("join", { room });
  }
  const say = (rooms: string[], text: string) =>
    rooms.length === 1
      ? a!.hub.room(rooms[0]!).broadcast("message", { room: "", text })
      : a!.hub.rooms(rooms).broadcast("message", { room: "", text });
  say(["a"], "1");
  say(["b"], "2");
  say(["a", "b"], "3");
  say(["b"], "4");
  say(["b", "a"], "5");
  say(["a"], "6");
  await waitFor(() => heard[0]!.includes("6") && heard[1]!.includes("5"), { what: "the last" });
  assertEquals(heard, [["1", "3", "5", "6"], ["2", "3", "4", "5"]]);
});

testOnAdapters(
  "promise 3: a broadcast to several rooms overtakes nothing in any of them, however far their channels lag",
  async (start) => {
    await using cluster = await start(1);
    const [node] = cluster.nodes;
    const heard: string[][] = [];
    for (const rooms of [["a"], ["b"], ["a", "b"]]) {
      const client = await node!.member();
      const mine: string[] = [];
      heard.push(mine);
      client.on("message", ({ text }) => mine.push(text));
      for (const room of rooms) await client.request("join", { room });
    }
    const arrive = (room: string, ...message: unknown[]) =>
      node!.tap.inject(`room:${room}`, JSON.stringify([message]));
    const to = (text: string) => ["message", null, { room: "", text }];
    // On one node "1" was sent to the first room, then "both" to both, then "2" to the second.
    arrive("b", "evs", "id", ["a", "b", "c"], ...to("both"));
    arrive("b", "ev", ...to("2"));
    arrive("a", "ev", ...to("1"));
    arrive("a", "evs", "id", ["a", "b", "c"], ...to("both"));
    arrive("a", "evs", "id", ["a", "b", "c"], ...to("both")); // as a room does that is joined meanwhile
    await turn();
    assertEquals(heard, [["1", "both"], ["both", "2"], ["both", "2", "1"]]);
    assertEquals(node!.errors, []);
  },
);

testOnAdapters("promise 3: calls of one connection reach their handlers in order", async (start) => {
  await using cluster = await start(1);
  const [node] = cluster.nodes;
  const ann = await node!.member("ann");
  const expected: Date[] = [];
  for (let i = 0; i < COUNT; i++) {
    const at = new Date(i);
    expected.push(at);
    ann.signal("typing", { room: "lobby", at });
    if (i % 50 === 0) await turn();
  }
  await waitFor(() => node!.typed.length === COUNT, { what: "all signals" });
  assertEquals(node!.typed.map(({ at }) => at), expected);
  const ids = await Promise.all(
    Array.from({ length: COUNT }, (_, i) => ann.request("say", { room: "lobby", text: `${i}` })),
  );
  assertEquals(ids.map(({ id }) => Number(id)), Array.from({ length: COUNT }, (_, i) => i + 1));
});
