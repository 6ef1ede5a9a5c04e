import { assert, assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { converged, hear, type Hearing, type PlacesNode, testPlaces } from "./scene.ts";

/** No heartbeat comes to help. */
const QUIET = { cluster: { heartbeatMs: 20_000, nodeTimeoutMs: 60_000 } };

const heard = (hearings: readonly Hearing[], events: readonly string[]) =>
  waitFor(() => {
    for (const hearing of hearings) assertEquals(hearing.events, events);
    return true;
  }, { what: "all to hear the same", timeoutMs: 10_000 });

/** Nothing is promised of the order in which something of different nodes is heard. */
const heardInAnyOrder = (hearings: readonly Hearing[], events: readonly string[]) =>
  waitFor(() => {
    for (const hearing of hearings) assertEquals([...hearing.events].sort(), [...events].sort());
    return true;
  }, { what: "all to hear the same", timeoutMs: 10_000 });

const hearOn = (nodes: readonly PlacesNode[], by?: "user" | "connection") =>
  Promise.all(nodes.map(({ hub }) => hear(hub.presence("room/1"), by)));

testPlaces(
  "presence: the first connection of a user joins and the last one leaves, on every node",
  async (start) => {
    await using cluster = await start(2, QUIET);
    const { nodes } = cluster;
    const users = await hearOn(nodes);
    const tabs = await hearOn(nodes, "connection");
    const first = await nodes[0]!.member("ann", "room/1");
    await heard(users, ["join ann"]);
    const second = await nodes[0]!.member("ann", "room/1");
    const third = await nodes[1]!.member("ann", "room/1");
    const ids = [first, second, third].map(({ connectionId }) => connectionId!);
    await heardInAnyOrder(tabs, ids.map((id) => `join ${id}`));
    await first.close();
    await third.close();
    await heardInAnyOrder(tabs, [...ids.map((id) => `join ${id}`), `leave ${ids[0]}`, `leave ${ids[2]}`]);
    for (const { events } of users) {
      assertEquals(events.filter((event) => !event.startsWith("update")), [
        "join ann",
      ]);
    }
    await second.request("exit", { room: "room/1" });
    await waitFor(() => users.every(({ events }) => events.at(-1) === "leave ann"), { what: "the leave" });
    for (const { hub } of nodes) assertEquals(await hub.presence("room/1").count(), 0);
  },
);

testPlaces("presence: a new node knows all members at once", async (start) => {
  await using cluster = await start(2, QUIET);
  const { nodes } = cluster;
  const users: string[] = [];
  for (const [at, node] of nodes.entries()) {
    for (let i = 0; i < 5; i++) {
      await node.member(`user ${at} ${i}`, "room/1", "room/2");
      users.push(`user ${at} ${i}`);
    }
  }
  await converged(nodes, "room/1", users);
  const third = await cluster.add();
  const list = await third.hub.presence("room/1").list();
  assertEquals(list.map(({ id }) => id), users.sort());
  assertEquals(await third.hub.presence("room/2").count(), users.length);
});

testPlaces(
  "presence: states are set, and of several tabs the one set last shows, on every node",
  async (start) => {
    await using cluster = await start(2, QUIET);
    const { nodes } = cluster;
    const hearings = await hearOn(nodes);
    const first = await nodes[0]!.member("ann", "room/1");
    const set = async (member: typeof first, name: string, events: string[]) => {
      await member.request("set", { room: "room/1", name });
      await heard(hearings, events);
    };
    await heard(hearings, ["join ann"]);
    const events = ["join ann", 'update ann {"name":"Ann"}'];
    await set(first, "Ann", [...events]);
    const second = await nodes[0]!.member("ann", "room/1");
    for (const { hub } of nodes) { // it has no state, and hides none
      await waitFor(async () => await hub.presence("room/1").count({ by: "connection" }) === 2);
    }
    await set(second, "Anna", [...events, 'update ann {"name":"Anna"}']);
    await set(second, "Anna", [...events, 'update ann {"name":"Anna"}']); // the same again is no update
    await second.close();
    await heard(hearings, [...events, 'update ann {"name":"Anna"}', 'update ann {"name":"Ann"}']);
  },
);

testPlaces("presence: a list equals the events replayed, in every room on every node", async (start) => {
  await using cluster = await start(3, QUIET);
  const { nodes } = cluster;
  const rooms = ["room/1", "room/2"] as const;
  const before = await nodes[2]!.member("early", ...rooms);
  for (const { hub } of nodes) {
    for (const room of rooms) await waitFor(async () => await hub.presence(room).count() === 1);
  }
  const hearings = new Map<string, Hearing>();
  for (const [at, { hub }] of nodes.entries()) {
    for (const room of rooms) {
      hearings.set(`${at} ${room}`, await hear(hub.presence(room)));
      hearings.set(`${at} ${room} tabs`, await hear(hub.presence(room), "connection"));
    }
  }
  let seed = 7;
  const below = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const members = await Promise.all(
    Array.from({ length: 12 }, (_, i) => nodes[i % 3]!.member(`user ${i % 5}`)),
  );
  for (let step = 0; step < 120; step++) {
    const member = members[below(members.length)]!;
    const room = rooms[below(2)]!;
    const act = below(3);
    if (act === 0) await member.request("enter", { room });
    else if (act === 1) await member.request("exit", { room });
    else await member.request("set", { room, name: `${step}` }).catch(() => {});
  }
  await before.close();
  await Promise.all(members.slice(0, 4).map((member) => member.close()));
  for (const room of rooms) {
    for (const by of ["user", "connection"] as const) {
      const list = async (at: number) => {
        const members = await nodes[at]!.hub.presence(room).list({ by });
        return members.map(({ id, state }) => `${id} ${JSON.stringify(state ?? null)}`);
      };
      await waitFor(async () => {
        const [first, ...others] = await Promise.all(nodes.map((_, at) => list(at)));
        for (const other of others) assertEquals(other, first);
        for (const at of nodes.keys()) {
          const { members, events } = hearings.get(`${at} ${room}${by === "user" ? "" : " tabs"}`)!;
          assertEquals([...members].map((pair) => pair.join(" ")).sort(), first!.sort());
          assert(!events.some((event) => /^(twice|unknown)/.test(event)), "an event makes no sense");
        }
        return true;
      }, { what: `all to agree about ${room} by ${by}`, timeoutMs: 10_000 });
    }
  }
});

testPlaces("presence: a hub that is closed leaves at once", async (start) => {
  await using cluster = await start(2, QUIET);
  const [staying, closing] = cluster.nodes as [PlacesNode, PlacesNode];
  await staying.member("bob", "room/1");
  for (let i = 0; i < 3; i++) await closing.member(`user ${i}`, "room/1");
  await converged(cluster.nodes, "room/1", ["bob", "user 0", "user 1", "user 2"]);
  const hearing = await hear(staying.hub.presence("room/1"));
  await closing.hub.close();
  await waitFor(() => hearing.events.length === 3, { what: "three to leave" });
  assertEquals(hearing.events.sort(), ["leave user 0", "leave user 1", "leave user 2"]);
});

testPlaces(
  "presence: a user that moves to another node within leaveAfterMs neither leaves nor joins",
  async (start) => {
    await using cluster = await start(2, { ...QUIET, presence: { leaveAfterMs: 20_000 } });
    const { nodes } = cluster;
    const first = await nodes[0]!.member("ann", "room/1");
    await nodes[0]!.member("bob", "room/1");
    await converged(nodes, "room/1", ["ann", "bob"]);
    const users = await hearOn(nodes);
    const tabs = await hearOn(nodes, "connection");
    const old = first.connectionId;
    await first.close();
    const again = await nodes[1]!.member("ann", "room/1");
    const ids = [`join ${again.connectionId}`, `leave ${old}`];
    await waitFor(() => tabs.every(({ events }) => events.length === 2), {
      what: "the old connection to go",
    });
    for (const { events } of tabs) assertEquals(events.sort(), ids);
    await again.request("exit", { room: "room/1" }); // on purpose: at once
    await waitFor(() => users.every(({ events }) => events.at(-1) === "leave ann"), { what: "the leave" });
    for (const { events } of users) {
      assertEquals(events.filter((event) => !event.startsWith("update")), ["leave ann"]);
    }
  },
);

for (const [whoever, first] of [["all nodes listen", 0], ["one of another node listens", 2]] as const) {
  testPlaces(
    `presence: a user whose tabs on two nodes are gone at once has leaveAfterMs to come back, where ${whoever}`,
    async (start) => {
      await using cluster = await start(3, { ...QUIET, presence: { leaveAfterMs: 20_000 } });
      const { nodes } = cluster;
      const tabs = [await nodes[0]!.member("ann", "room/1"), await nodes[1]!.member("ann", "room/1")];
      await nodes[2]!.member("bob", "room/1");
      await converged(nodes, "room/1", ["ann", "bob"]);
      const users = await hearOn(nodes.slice(first));
      const connections = await hearOn(nodes.slice(first), "connection");
      await waitFor(() => connections.every(({ members }) => members.size === 3), {
        what: "all to be known",
      });
      await Promise.all(tabs.map((tab) => tab.close()));
      await nodes[0]!.member("cat", "room/1"); // behind it on the way
      await nodes[1]!.member("dan", "room/1");
      await waitFor(() => users.every(({ members }) => members.has("cat") && members.has("dan")), {
        what: "what follows",
      });
      const again = await nodes[2]!.member("ann", "room/1");
      await waitFor(
        () =>
          connections.every(({ members }) =>
            members.has(again.connectionId!) && !tabs.some(({ connectionId }) => members.has(connectionId!))
          ),
        { what: "the old ones to go" },
      );
      for (const { events } of users) {
        assertEquals(
          events.filter((event) => /ann/.test(event) && !/^update/.test(event)),
          [],
        );
      }
    },
  );
}

testPlaces("presence: topics have it too, and a client that unsubscribes has left", async (start) => {
  await using cluster = await start(2, QUIET);
  const { nodes } = cluster;
  const [ann, bob] = [await nodes[0]!.member("ann"), await nodes[1]!.member("bob")];
  const first = ann.subscribe("doc/1", () => {});
  const second = bob.subscribe("doc/1", () => {});
  await Promise.all([first.ready, second.ready]);
  await converged(nodes, { topic: "doc/1" }, ["ann", "bob"]);
  first.unsubscribe();
  await converged(nodes, { topic: "doc/1" }, ["bob"]);
  const admin = await nodes[0]!.admin("root");
  await admin.subscribe("audit", () => {}).ready;
  const audit = nodes[1]!.hub.presence({ topic: "audit", role: "admin" });
  await waitFor(async () => await audit.count() === 1, { what: "the admin" });
});

testPlaces("presence: nothing is left of it when all members have gone", async (start) => {
  await using cluster = await start(2, QUIET);
  const { nodes } = cluster;
  const members = await Promise.all(nodes.map((node, at) => node.member(`user ${at}`, "room/1", "room/2")));
  await converged(nodes, "room/1", ["user 0", "user 1"]);
  const hearings = await hearOn(nodes);
  for (const member of members) await member.close();
  await waitFor(() => hearings.every(({ events }) => events.length === 2), { what: "both to leave" });
  for (const hearing of hearings) hearing.stop();
  for (const { hub, errors } of nodes) {
    await waitFor(() => hub.stats().presence!.places === 0, { what: "no place to be known" });
    assertEquals([hub.stats().presence, errors], [{ places: 0, members: 0 }, []]);
  }
});
