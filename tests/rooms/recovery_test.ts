import { assertEquals } from "@std/assert";
import { createMemoryHistory, type Published } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { laterStore } from "../history/later_store.ts";
import { hears, type NodeOptions, startNodes, told } from "./scene.ts";

/** Where histories are kept: by each node, or in a store that answers at once or later. */
const STORES: Readonly<Record<string, () => NodeOptions>> = {
  "per node": () => ({}),
  "a shared store": () => ({ history: createMemoryHistory() }),
  "a later store": () => ({ history: laterStore(createMemoryHistory()) }),
};

/** Runs a test with each of the stores. */
function testOnStores(name: string, body: (options: NodeOptions) => Promise<void>): void {
  for (const [store, options] of Object.entries(STORES)) test(`${name} (${store})`, () => body(options()));
}

testOnStores(
  "rooms: a client that reconnects gets its missed messages, in order and once, before the live ones",
  async (options) => {
    await using scene = await startNodes(1, () => options);
    const [{ hub, errors }] = scene.nodes;
    const guest = await scene.guest("member");
    const room = hub.room("chat/1");
    await guest.join("chat/1");
    const positions: Published[] = [await room.broadcast("line", { n: 1 })];
    await hears(guest, 1);
    await guest.drop();
    for (let n = 2; n <= 4; n++) positions.push(await room.broadcast("line", { n }));
    await guest.back();
    await told(guest, 1);
    positions.push(await room.broadcast("line", { n: 5 }));
    await hears(guest, 5);
    assertEquals([guest.heard, guest.recoveries], [[1, 2, 3, 4, 5], [{ room: "chat/1", recovered: true }]]);
    assertEquals(
      guest.metas,
      positions.map((position, i) => ({ room: "chat/1", ...position, recovered: i > 0 && i < 4 })),
    );
    assertEquals(positions.map(({ offset }) => offset), [1, 2, 3, 4, 5]);
    assertEquals([errors, guest.errors.length], [[], 0]);
  },
);

testOnStores("rooms: a first join begins at the present, and reports no recovery", async (options) => {
  await using scene = await startNodes(1, () => options);
  const [{ hub }] = scene.nodes;
  await hub.room("chat/1").broadcast("line", { n: 1 });
  const guest = await scene.guest("member");
  await guest.join("chat/1");
  await hub.room("chat/1").broadcast("line", { n: 2 });
  await hears(guest, 1);
  assertEquals([guest.heard, guest.recoveries, guest.metas[0]?.offset], [[2], [], 2]);
});

testOnStores(
  "rooms: messages older than the history are not recovered, and this is reported once",
  async (options) => {
    await using scene = await startNodes(1, () => options);
    const [{ hub }] = scene.nodes;
    const guest = await scene.guest("member");
    await guest.join("chat/1");
    await hub.room("chat/1").broadcast("line", { n: 1 });
    await hears(guest, 1);
    await guest.drop();
    for (let n = 2; n <= 30; n++) await hub.room("chat/1").broadcast("line", { n });
    await guest.back();
    await told(guest, 1);
    await hub.room("chat/1").broadcast("line", { n: 31 });
    await waitFor(() => guest.heard.at(-1) === 31, { what: "the live line" });
    assertEquals([guest.heard, guest.recoveries], [[1, 31], [{ room: "chat/1", recovered: false }]]);
  },
);

test("rooms: a client resumes on another node that shares the store", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await startNodes(2, () => ({ history }));
  const [a, b] = scene.nodes;
  const guest = await scene.guest("member");
  await guest.join("chat/1");
  assertEquals(guest.client.nodeId, a.hub.nodeId);
  await b.hub.room("chat/1").broadcast("line", { n: 1 });
  await hears(guest, 1);
  await guest.drop();
  await a.hub.room("chat/1").broadcast("line", { n: 2 });
  await b.hub.room("chat/1").broadcast("line", { n: 3 });
  await guest.back(b);
  await told(guest, 1);
  await a.hub.room("chat/1").broadcast("line", { n: 4 });
  await hears(guest, 4);
  assertEquals(guest.client.nodeId, b.hub.nodeId);
  assertEquals([guest.heard, guest.recoveries], [[1, 2, 3, 4], [{ room: "chat/1", recovered: true }]]);
});

test("rooms: nodes that keep their own histories claim nothing of another's", async () => {
  await using scene = await startNodes(2);
  const [a, b] = scene.nodes;
  const guest = await scene.guest("member");
  await guest.join("chat/1");
  await a.hub.room("chat/1").broadcast("line", { n: 1 });
  await hears(guest, 1);
  await guest.drop();
  await guest.back(b);
  await told(guest, 1);
  await a.hub.room("chat/1").broadcast("line", { n: 2 });
  await hears(guest, 2);
  assertEquals([guest.heard, guest.recoveries], [[1, 2], [{ room: "chat/1", recovered: false }]]);
});

testOnStores(
  "rooms: a client that was left out is left out again, also under its next connection",
  async (options) => {
    await using scene = await startNodes(1, () => options);
    const [{ hub }] = scene.nodes;
    const [guest, other] = [await scene.guest("member"), await scene.guest("member")];
    for (const one of [guest, other]) await one.join("chat/1");
    const conn = { id: guest.client.connectionId! };
    const room = hub.room("chat/1");
    await room.broadcast("line", { n: 1 });
    await room.broadcast("line", { n: 2 }, { except: conn });
    await room.broadcast("line", { n: 3 });
    await hears(guest, 2);
    await guest.drop();
    await room.broadcast("line", { n: 4 }, { except: conn });
    await room.broadcast("line", { n: 5 });
    await guest.back();
    await told(guest, 1);
    await room.broadcast("line", { n: 6 });
    for (const one of [guest, other]) await waitFor(() => one.heard.at(-1) === 6, { what: "the last" });
    assertEquals([guest.heard, other.heard], [[1, 3, 5, 6], [1, 2, 3, 4, 5, 6]]);
    assertEquals(guest.metas.map((meta) => meta?.offset), [1, 3, 5, 6]);
    assertEquals(guest.recoveries, [{ room: "chat/1", recovered: true }]);
  },
);

testOnStores("rooms: events that a role does not have are skipped and counted", async (options) => {
  await using scene = await startNodes(1, () => options);
  const [{ hub }] = scene.nodes;
  const [guest, member] = [await scene.guest("guest"), await scene.guest("member")];
  const secrets: number[] = [];
  member.client.on("secret", ({ n }) => void secrets.push(n));
  for (const one of [guest, member]) await one.join("chat/1");
  const room = hub.room("chat/1");
  await room.broadcast("secret", { n: 1 });
  await room.broadcast("line", { n: 2 });
  await hears(guest, 1);
  await guest.drop();
  await room.broadcast("secret", { n: 3 });
  await room.broadcast("nudge", undefined);
  await room.broadcast("line", { n: 5 });
  await guest.back();
  await told(guest, 1);
  assertEquals([guest.heard, guest.metas.map((meta) => meta?.offset)], [[2, 5], [2, 5]]);
  assertEquals([secrets, guest.recoveries], [[1, 3], [{ room: "chat/1", recovered: true }]]);
});

testOnStores(
  "rooms: a client that is not added again gets nothing, and a removed one starts from the beginning",
  async (options) => {
    await using scene = await startNodes(1, () => options);
    const [{ hub }] = scene.nodes;
    const guest = await scene.guest("member");
    const room = hub.room("chat/1");
    await room.add({ id: guest.client.connectionId! });
    await room.broadcast("line", { n: 1 });
    await hears(guest, 1);
    await guest.drop();
    await room.broadcast("line", { n: 2 });
    await guest.back();
    await room.broadcast("line", { n: 3 });
    room.remove({ id: guest.client.connectionId! });
    await room.add({ id: guest.client.connectionId! });
    await room.broadcast("line", { n: 4 });
    await hears(guest, 2);
    assertEquals([guest.heard, guest.recoveries], [[1, 4], []]);
    room.remove({ id: guest.client.connectionId! });
    await guest.client.request("join", { room: "plain" }); // by then it knows
    await guest.drop();
    await guest.back();
    await room.broadcast("line", { n: 5 });
    await room.add({ id: guest.client.connectionId! });
    await room.broadcast("line", { n: 6 });
    await hears(guest, 3);
    assertEquals([guest.heard, guest.recoveries], [[1, 4, 6], []]);
  },
);

testOnStores(
  "rooms: a client that is added in onConnection catches up after its welcome",
  async (options) => {
    const added: Promise<void>[] = [];
    await using scene = await startNodes(1, () => ({
      ...options,
      onConnection(conn) {
        const adding = scene.nodes[0].hub.room("long/1").add(conn);
        added.push(adding);
        return adding;
      },
    }));
    const [{ hub, errors }] = scene.nodes;
    const guest = await scene.guest("member");
    await hub.room("long/1").broadcast("line", { n: 0 });
    await hears(guest, 1);
    await guest.drop();
    for (let n = 1; n <= 2_000; n++) await hub.room("long/1").broadcast("line", { n });
    await guest.back();
    await told(guest, 1);
    assertEquals(guest.heard, Array.from({ length: 2_001 }, (_, n) => n));
    assertEquals([guest.recoveries, errors], [[{ room: "long/1", recovered: true }], []]);
    await Promise.all(added);
  },
);

test("rooms: a topic and a room of one name have histories of their own", async () => {
  await using scene = await startNodes(1, () => ({ history: createMemoryHistory() }));
  const [{ hub }] = scene.nodes;
  const guest = await scene.guest("member");
  const topic: number[] = [];
  await guest.client.subscribe("chat/1", ({ n }) => void topic.push(n)).ready;
  await guest.join("chat/1");
  await hub.publish("chat/1", { n: 1 });
  await hub.room("chat/1").broadcast("line", { n: 2 });
  await waitFor(() => topic.length + guest.heard.length === 2, { what: "both" });
  assertEquals([topic, guest.heard], [[1], [2]]);
  assertEquals((await hub.history("chat/1")).records, [{ offset: 1, payload: { n: 1 } }]);
  assertEquals((await hub.room("chat/1").history()).records, [{
    offset: 1,
    event: "line",
    payload: { n: 2 },
  }]);
});
