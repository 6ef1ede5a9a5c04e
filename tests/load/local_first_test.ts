import { assert, assertEquals } from "@std/assert";
import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { testOnAdapters } from "../hub/cluster.ts";
import { microtasks, rawClient, turn } from "../hub/wires.ts";
import { Ledger, Listener } from "./ledger.ts";
import { Random } from "./random.ts";
import { CODECS, type LoadNode, type Mark, onCluster } from "./scene.ts";

const ROUNDS = 75;
const BURST = 40;

testOnAdapters(
  "promise 1 under load: when a turn ends every local subscriber has all messages, whatever the backplane does",
  async (start) => {
    const random = new Random(1);
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const lines = Array.from(
      { length: 30 },
      (_, i) => ({ room: i % 3 ? "x" : "y", line: a!.loopback.client() }),
    );
    const clients = await Promise.all(lines.map(async ({ room, line }) => {
      const client = await rawClient(line);
      client.say(["req", 1, "join", { room }], ["req", 2, "join", { room: "all" }], [
        "sub",
        3,
        "ticker/ACME",
      ]);
      await waitFor(() => client.heard.length === 4, { what: "the client to be in" });
      assertEquals(client.heard.slice(1).map(([kind]) => kind), ["res", "res", "res"]);
      return { room, client, expected: [] as number[], heard: 4 };
    }));
    let n = 0;
    const text = () => ({ room: "", text: String(++n) });
    const publish = () => {
      const room = random.pick(["x", "y", "all"]);
      const note = (isFor = (_room: string) => true) =>
        clients.forEach(({ room, expected }) => isFor(room) && expected.push(n));
      switch (random.below(5)) {
        case 0:
          a!.hub.room(room).broadcast("message", text());
          return note((own) => room === "all" || own === room);
        case 1:
          a!.hub.rooms([room, "x"]).broadcast("message", text());
          return note((own) => room === "all" || own === room || own === "x");
        case 2:
          a!.hub.publish("ticker/ACME", { price: ++n });
          return note();
        case 3:
          a!.hub.forRole("member").emit("dm", { text: String(++n) });
          return note();
        default: {
          const mine = random.pick(clients);
          const [, welcome] = mine.client.heard[0] as [string, { connection: string }];
          a!.hub.connection(welcome.connection).emit("dm", { text: String(++n) });
          return void mine.expected.push(n);
        }
      }
    };
    for (let round = 0; round < ROUNDS; round++) {
      if (random.oneIn(3)) a!.tap.lose();
      else if (random.oneIn(2)) a!.tap.heal();
      for (let i = 0; i < BURST; i++) {
        publish();
        b!.hub.publish("stats", { n: i }); // without a subscriber
        if (random.oneIn(30)) a!.tap.lose();
      }
      await microtasks();
      for (const mine of clients) {
        const came = mine.client.heard.slice(mine.heard).map(([, , payload]) => {
          const { text, price } = payload as { text?: string; price?: number };
          return price ?? Number(text);
        });
        assertEquals(came, mine.expected);
        mine.heard += came.length;
        mine.expected = [];
      }
      await turn();
    }
    assert(a!.errors.length > 0);
    assertEquals(a!.errors.filter(({ info }) => info.stage !== "publish"), []);
  },
  { timeoutMs: 60_000 },
);

/** Publishes one message on every channel of the local connections. */
function publish({ hub }: LoadNode, ledger: Ledger, random: Random): void {
  const channel = random.pick(["x", "y", "x,y", "feed/0", "log/0", "u1", "member"]);
  const mark = ledger.mark(0, channel);
  const names = channel.split(",");
  ledger.note(mark, ({ home, channels }) => home === 0 && names.some((name) => channels.has(name)));
  for (const listener of ledger.listeners) if (listener.home !== 0) ledger.allow(mark);
  if (channel === "x" || channel === "y") hub.room(channel).broadcast("note", mark);
  else if (names.length > 1) hub.rooms(names).broadcast("note", mark);
  else if (channel === "feed/0") hub.publish(channel, mark);
  else if (channel === "log/0") void hub.publish(channel, mark);
  else if (channel === "u1") hub.user(channel).emit("note", mark);
  else hub.forRole("member").emit("note", mark);
}

for (const state of ["down", "flapping"] as const) {
  test(`promise 1 under load: sockets get everything in order while the bus is ${state}`, async () => {
    const random = new Random(11);
    const bus = createMemoryBus();
    const options = { limits: { outbox: { maxMessages: Infinity, maxBytes: Infinity } } };
    await onCluster(() => createMemoryAdapter({ bus }), 2, options, async (nodes) => {
      const ledger = new Ledger();
      for (const [home, node] of nodes.entries()) {
        const clients = await node.openMany(home === 0 ? 40 : 5, (i) => ({
          token: `u${i % 4}`,
          codec: CODECS[i % 2],
        }));
        for (const [i, client] of clients.entries()) {
          const rooms = [["x", "y"], ["x"], ["y"], []][i % 4]!;
          const listener = new Listener(client.id, home, [
            ...rooms,
            "feed/0",
            "log/0",
            `u${i % 4}`,
            "member",
          ]);
          ledger.listeners.push(listener);
          client.onMessage = (mark) => listener.take(mark as Mark);
          for (const room of rooms) await node.hub.room(room).add(client);
          await Promise.all(["feed/0", "log/0"].map((feed) => client.subscribe(feed)));
        }
      }
      if (state === "down") bus.down();
      for (let i = 0; i < 15_000; i++) {
        publish(nodes[0]!, ledger, random);
        if (state === "flapping" && random.oneIn(100)) bus.status === "up" ? bus.down() : bus.up();
        if (i % 500 === 499) await turn();
      }
      await ledger.arrive();
      bus.up();
      await turn();
      ledger.check();
      const far = ledger.listeners.filter(({ home }) => home === 1);
      assert(far.every(({ count }) => state === "down" ? count === 0 : count > 0));
      assert(nodes[0]!.errors.length > 0);
      assertEquals(nodes.flatMap(({ errors }) => errors).filter(({ info }) => info.stage !== "publish"), []);
    });
  });
}
