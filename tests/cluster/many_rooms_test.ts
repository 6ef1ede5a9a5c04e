import { assert, assertEquals, assertThrows } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { waitFor } from "../harness.ts";
import { orderOf, testOnAdapters } from "../hub/cluster.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `room number ${n}`);

testOnAdapters(
  "many rooms: a broadcast to thousands of rooms costs their names once, and is one copy",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const heard: string[] = [];
    const people = [
      await a!.member("ann"),
      await b!.member("bob"),
      await b!.member("eve"),
      await b!.member("zoe"),
    ];
    for (const person of people.slice(0, 3)) {
      person.on("message", ({ text }) => heard.push(`${person.connectionId} ${text}`));
      for (const n of [0, 7, 2_999]) await person.request("join", { room: `room number ${n}` });
    }
    people[3]!.on("message", ({ text }) => heard.push(`elsewhere ${text}`));
    await people[3]!.request("join", { room: "elsewhere" });
    const before = a!.tap.published.length;
    const rooms = names(3_000);
    const message = { room: "many", text: "hello" };
    a!.hub.rooms(rooms).broadcast("message", message, { except: { id: people[2]!.connectionId! } });
    b!.hub.room("elsewhere").broadcast("message", { room: "elsewhere", text: "end" });
    await waitFor(() => heard.length === 3, { what: "all clients" });
    assertEquals(
      heard.toSorted(),
      [`${people[0]!.connectionId} hello`, `${people[1]!.connectionId} hello`, "elsewhere end"].toSorted(),
    );
    const sent = a!.tap.published.slice(before).reduce((sum, { data }) => sum + data.length, 0);
    assert(sent < 4 * JSON.stringify(rooms).length, `${sent} characters`);
    assertEquals([a!.errors, b!.errors], [[], []]);
  },
);

testOnAdapters("many rooms: one broadcast stays in order with those before and after", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const client = await b!.member("bob");
  const heard: number[] = [];
  client.on("message", ({ text }) => heard.push(Number(text)));
  for (const room of ["room number 1", "room number 70"]) await client.request("join", { room });
  const say = (rooms: string[], n: number) =>
    a!.hub.rooms(rooms).broadcast("message", { room: "", text: String(n) });
  for (let n = 0; n < 60; n += 6) {
    a!.hub.room("room number 1").broadcast("message", { room: "", text: String(n) });
    say(names(100), n + 1);
    a!.hub.room("room number 70").broadcast("message", { room: "", text: String(n + 2) });
    say(names(64), n + 3); // as copies
    say(names(65), n + 4); // as one message
    say(names(2), n + 5);
  }
  await waitFor(() => heard.length === 60, { what: "everything" });
  const all = Array.from({ length: 60 }, (_, n) => n);
  // Where channels take different ways, only what goes over one of them is in order.
  const inOrder = orderOf(a!.tap.name) === "across channels" ? heard : heard.toSorted((x, y) => x - y);
  assertEquals(inOrder, all);
});

testOnAdapters(
  "many rooms: a broadcast with too many rooms for one message is refused, and reaches no client",
  async (start) => {
    await using cluster = await start(1);
    const node = await cluster.add({ maxMessageBytes: 4_096 });
    const client = await node.member("bob");
    const heard: string[] = [];
    client.on("message", ({ text }) => heard.push(text));
    await client.request("join", { room: "room number 1" });
    const error = assertThrows(
      () => node.hub.rooms(names(1_000)).broadcast("message", { room: "", text: "too much" }),
      HubError,
    );
    assertEquals(error.code, "TOO_LARGE");
    node.hub.room("room number 1").broadcast("message", { room: "", text: "good" });
    await waitFor(() => heard.length > 0, { what: "the good one" });
    assertEquals(heard, ["good"]);
  },
);
