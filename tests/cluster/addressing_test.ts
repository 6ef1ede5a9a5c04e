import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import type { Member } from "../hub/chat.ts";
import { type Cluster, empty, testOnAdapters } from "../hub/cluster.ts";
import { codeOf, turn } from "../hub/wires.ts";

/** A client on each node for each of two users, in two rooms each, with all that they hear. */
async function populate(cluster: Cluster) {
  const people: { client: Member; id: string; name: string; heard: string[] }[] = [];
  for (const [i, node] of cluster.nodes.entries()) {
    for (const user of ["ann", "bob"]) {
      const client = await node.member(user);
      const heard: string[] = [];
      client.on("message", ({ text }) => heard.push(text));
      client.on("dm", ({ text }) => heard.push(text));
      await client.subscribe(`ticker/${user}`, ({ price }) => heard.push(`tick ${price}`)).ready;
      for (const room of ["all", `of ${user}`]) await client.request("join", { room });
      people.push({ client, id: client.connectionId!, name: `${user} ${i}`, heard });
    }
  }
  return people;
}

testOnAdapters(
  "cluster: from any node room, topic, user, role and connection reach each connection exactly once, but the excepted",
  async (start) => {
    await using cluster = await start(3);
    const people = await populate(cluster);
    for (const [i, { hub }] of cluster.nodes.entries()) {
      hub.room("of ann").broadcast("message", { room: "", text: `room ${i}` });
      hub.publish("ticker/ann", { price: i });
      hub.user("bob").emit("dm", { text: `user ${i}` });
      hub.forRole("member").emit("dm", { text: `role ${i}` });
      hub.forRole("admin").emit("dm", { text: `nobody ${i}` });
      for (const { id, name } of people) hub.connection(id).emit("dm", { text: `conn ${name} ${i}` });
      hub.room("all").broadcast("message", { room: "", text: `but bob 1 ${i}` }, { except: people[3]! });
      hub.forRole("member").emit("dm", { text: `end ${i}` });
    }
    const expected = people.map(({ name }) => {
      const own = (i: number) => name.startsWith("ann") ? [`room ${i}`, `tick ${i}`] : [`user ${i}`];
      const rest = (i: number) => [`role ${i}`, `conn ${name} ${i}`, `end ${i}`];
      const most = (i: number) => name === "bob 1" ? [] : [`but bob 1 ${i}`];
      return [0, 1, 2].flatMap((i) => [...own(i), ...rest(i), ...most(i)]).sort();
    });
    await waitFor(() => people.every(({ heard }, i) => heard.length >= expected[i]!.length), {
      what: "everything",
    });
    await turn();
    assertEquals(people.map(({ heard }) => heard.toSorted()), expected);
  },
);

testOnAdapters("an event goes only to roles that have it, whatever room they are in", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const ann = await a!.member("ann");
  const admins = [await a!.admin(), await b!.admin()];
  const heard: string[] = [];
  ann.on("message", ({ text }) => heard.push(text));
  for (const admin of admins) admin.on("dm", ({ text }) => heard.push(text));
  await a!.hub.room("mixed").add({ id: ann.connectionId! });
  await a!.hub.room("mixed").add({ id: admins[0]!.connectionId! });
  await b!.hub.room("mixed").add({ id: admins[1]!.connectionId! });
  for (const { hub } of cluster.nodes) {
    hub.room("mixed").broadcast("message", { room: "", text: "members" });
    hub.room("mixed").broadcast("dm", { text: "admins" });
  }
  await waitFor(() => heard.length === 6, { what: "everything" });
  assertEquals(heard.filter((text) => text === "members").length, 2);
  for (const admin of admins) assertEquals(admin.status, "open"); // an unknown event would be an error to them
  assertEquals(cluster.nodes.flatMap(({ errors }) => errors), []);
});

testOnAdapters(
  "a role's own topic reaches that role everywhere, and no other role can have it",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const admin = await b!.admin();
    const ann = await b!.member("ann");
    const heard: string[] = [];
    await admin.subscribe("audit", ({ entry }) => heard.push(entry)).ready;
    assertEquals(await codeOf(() => ann.subscribe("audit" as never, () => {})), "NOT_FOUND");
    a!.hub.forRole("admin").publish("audit", { entry: "far" });
    b!.hub.forRole("admin").publish("audit", { entry: "near" });
    await waitFor(() => heard.length === 2, { what: "both" });
    assertEquals(await codeOf(() => a!.hub.publish("audit" as never, { entry: "x" } as never)), "NOT_FOUND");
  },
);

testOnAdapters("connections are found by room, topic, user, role and id, from any node", async (start) => {
  await using cluster = await start(3);
  const people = await populate(cluster);
  const ids = (names: (name: string) => boolean) =>
    people.filter(({ name }) => names(name)).map(({ id }) => id).sort();
  for (const { hub } of cluster.nodes) {
    const find = async (query: Parameters<typeof hub.cluster.connections>[0]) => {
      const { connections, missing } = await hub.cluster.connections(query);
      assertEquals(missing, []);
      assertEquals((await hub.cluster.count(query)).count, connections.length);
      return connections.map(({ id }) => id).sort();
    };
    assertEquals(await find({}), ids(() => true));
    assertEquals(await find({ room: "of ann" }), ids((name) => name.startsWith("ann")));
    assertEquals(await find({ topic: "ticker/bob" }), ids((name) => name.startsWith("bob")));
    assertEquals(await find({ user: "bob" }), ids((name) => name.startsWith("bob")));
    assertEquals(await find({ role: "member" }), ids(() => true));
    assertEquals(await find({ role: "admin" }), []);
    assertEquals(await find({ id: people[4]!.id }), [people[4]!.id]);
    assertEquals(
      await find({ room: "all", user: "ann", role: "member" }),
      ids((name) => name.startsWith("ann")),
    );
    assertEquals(await find({ room: "of ann", user: "bob" }), []);
    assertEquals((await hub.room("of bob").members()).connections.length, 3);
  }
  const [{ hub: first }] = cluster.nodes as [Cluster["nodes"][number]];
  const { connections } = await first.cluster.connections({ id: people[0]!.id });
  assertEquals(connections, [{ id: people[0]!.id, nodeId: first.nodeId, role: "member", user: "ann" }]);
});

testOnAdapters(
  "cluster: joins, leaves and disconnects by room, user, role and connection",
  async (start) => {
    await using cluster = await start(3);
    const people = await populate(cluster);
    const [a, b, c] = cluster.nodes.map(({ hub }) => hub);
    assertEquals(await a!.cluster.join({ user: "ann" }, "new"), { count: 3, missing: [] });
    assertEquals(await b!.cluster.join({ room: "of ann" }, "new"), { count: 3, missing: [] }); // again: no change
    assertEquals(await c!.cluster.join({ id: people[1]!.id }, "new"), { count: 1, missing: [] });
    assertEquals((await b!.cluster.count({ room: "new" })).count, 4);
    for (const { heard } of people) heard.length = 0;
    c!.room("new").broadcast("message", { room: "new", text: "hi" });
    await waitFor(() => people.filter(({ heard }) => heard.length > 0).length === 4, { what: "the four" });

    assertEquals(await c!.cluster.leave({ user: "ann" }, "new"), { count: 3, missing: [] });
    assertEquals(await c!.cluster.leave({ user: "ann" }, "new"), { count: 0, missing: [] });
    assertEquals(await a!.cluster.leave({ role: "member" }, "new"), { count: 1, missing: [] });
    assertEquals((await b!.cluster.count({ room: "new" })).count, 0);

    assertEquals(await b!.cluster.disconnect({ room: "of bob" }), { count: 3, missing: [] });
    const closed = (user: string) =>
      people.filter(({ name }) => name.startsWith(user)).map(({ client }) => client.closed);
    assertEquals(
      (await Promise.all(closed("bob"))).map((error) => error?.code),
      Array(3).fill("DISCONNECTED"),
    );
    a!.connection(people[4]!.id).close({ reason: "enough of you" });
    assertEquals((await people[4]!.client.closed)?.message.includes("enough of you"), true);
    assertEquals((await c!.cluster.count()).count, 2);
    assertEquals((await c!.cluster.disconnect({ role: "member" })).count, 2);
    await Promise.all(closed("ann"));
    await empty(...cluster.nodes);
  },
);

testOnAdapters(
  "a room join by the cluster means ready: messages that any node sends afterwards arrive",
  async (start) => {
    await using cluster = await start(3);
    const [a, b, c] = cluster.nodes;
    const ann = await b!.member("ann");
    const heard: string[] = [];
    ann.on("message", ({ text }) => heard.push(text));
    b!.tap.beforeSubscribe = turn;
    for (let n = 0; n < 5; n++) {
      await a!.hub.cluster.join({ user: "ann" }, `room ${n}`);
      c!.hub.room(`room ${n}`).broadcast("message", { room: "", text: `${n}` });
    }
    await waitFor(() => heard.length === 5, { what: "all of them" });
    b!.tap.beforeSubscribe = () => Promise.reject(new Error("refused"));
    assertEquals(await a!.hub.cluster.join({ user: "ann" }, "broken"), { count: 0, missing: [] });
  },
);

testOnAdapters("a client on another node is asked as one on this", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const ann = await b!.member("ann");
  const id = ann.connectionId!;
  const ask = (timeoutMs?: number) =>
    a!.hub.connection(id).request("confirm", { question: "sure?" }, { timeoutMs });
  assertEquals(await codeOf(() => ask()), "NOT_FOUND");
  ann.implement({ confirm: ({ question }) => question === "sure?" });
  assertEquals(await ask(), true);
  ann.implement({ confirm: () => new Promise(() => {}) });
  assertEquals(await codeOf(() => ask(20)), "TIMEOUT");
  const asked = codeOf(() => ask());
  await waitFor(() => b!.hub.stats().asking === 1, { what: "the question to arrive" });
  await ann.close();
  assertEquals(await asked, "DISCONNECTED");
  assertEquals(await codeOf(() => ask()), "NOT_FOUND");
  assertEquals(
    await codeOf(() => a!.hub.connection("nobody.1").request("confirm", { question: "?" })),
    "NOT_FOUND",
  );
  await empty(a!, b!);
});
