import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import type { Member } from "../hub/chat.ts";
import { testOnAdapters } from "../hub/cluster.ts";

const text = (text: string) => ({ room: "", text });

/** Everything that a client hears. */
function listen(client: Member): string[] {
  const heard: string[] = [];
  client.on("message", (m) => heard.push(m.text));
  client.on("dm", (m) => heard.push(m.text));
  return heard;
}

testOnAdapters("promise 2: one copy however many rooms match, on every node", async (start) => {
  await using cluster = await start(3);
  const heard: string[][] = [];
  const rooms = [["a"], ["b"], ["a", "b"], ["a", "b", "c"], ["c"], []];
  for (const node of cluster.nodes) {
    for (const [i, joined] of rooms.entries()) {
      const client = await node.member(`u${i}`);
      heard.push(listen(client));
      for (const room of joined) await client.request("join", { room });
      await client.request("join", { room: "all" });
    }
  }
  for (const [i, { hub }] of cluster.nodes.entries()) {
    hub.rooms(["a", "b", "c"]).broadcast("message", text(`abc ${i}`));
    hub.rooms(["a", "a", "b"]).broadcast("message", text(`aab ${i}`));
    hub.rooms([]).broadcast("message", text(`none ${i}`));
    hub.room("all").broadcast("message", text(`end ${i}`));
  }
  const expected = heard.map((_, i) => {
    const joined = rooms[i % rooms.length]!;
    return cluster.nodes.flatMap((_, n) => [
      ...(joined.length > 0 ? [`abc ${n}`] : []),
      ...(joined.some((room) => room !== "c") ? [`aab ${n}`] : []),
      `end ${n}`,
    ]).sort();
  });
  // The end comes over a channel of its own, which may be faster than others.
  await waitFor(() => heard.every((h, i) => h.length >= expected[i]!.length), { what: "everything" });
  assertEquals(heard.map((h) => h.toSorted()), expected);
});

testOnAdapters("promise 2: every tab of a user gets one copy, wherever it is", async (start) => {
  await using cluster = await start(3);
  const [a, b, c] = cluster.nodes;
  const tabs = [
    await a!.member("ann"),
    await a!.member("ann"),
    await b!.member("ann"),
    await c!.member("ann"),
  ];
  const others = [await a!.member("bob"), await c!.member("bob")];
  const heard = [...tabs, ...others].map(listen);
  for (const { hub } of cluster.nodes) hub.user("ann").emit("dm", { text: "psst" });
  for (const { hub } of cluster.nodes) hub.forRole("member").emit("dm", { text: "end" });
  const copies = (what: string) => heard.map((h) => h.filter((t) => t === what).length);
  await waitFor(
    () => copies("end").every((n) => n === 3) && copies("psst").slice(0, 4).every((n) => n >= 3),
    {
      what: "all messages and the end, which come over different channels",
    },
  );
  assertEquals(copies("psst"), [3, 3, 3, 3, 0, 0]);
});

testOnAdapters("promise 2: several listeners of one topic share one copy", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const ann = await b!.member("ann");
  const heard: string[] = [];
  const subs = ["x", "y"].map((name) =>
    ann.subscribe("ticker/ACME", ({ price }) => heard.push(name + price))
  );
  await Promise.all(subs.map(({ ready }) => ready));
  a!.hub.publish("ticker/ACME", { price: 1 });
  a!.hub.publish("ticker/ACME", { price: 2 });
  await waitFor(() => heard.includes("y2"), { what: "the tick" });
  assertEquals(heard, ["x1", "y1", "x2", "y2"]);
  assertEquals(b!.hub.stats().subscriptions, 1);
});

testOnAdapters("promise 2: an excepted connection gets none", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const ann = await a!.member("ann");
  const bob = await b!.member("bob");
  const heard = { ann: listen(ann), bob: listen(bob) };
  for (const client of [ann, bob]) {
    for (const room of ["a", "b"]) await client.request("join", { room });
  }
  for (const [i, { hub }] of cluster.nodes.entries()) {
    hub.room("a").broadcast("message", text(`room ${i}`), { except: { id: ann.connectionId! } });
    hub.rooms(["a", "b"]).broadcast("message", text(`rooms ${i}`), { except: { id: ann.connectionId! } });
    hub.room("a").broadcast("message", text(`end ${i}`));
  }
  await waitFor(() => heard.ann.length >= 2 && heard.bob.length >= 6, { what: "everything" });
  assertEquals(heard.ann.sort(), ["end 0", "end 1"]);
  assertEquals(heard.bob.sort(), ["end 0", "end 1", "room 0", "room 1", "rooms 0", "rooms 1"]);
});
