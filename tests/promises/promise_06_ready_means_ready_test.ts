import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import { empty, testOnAdapters } from "../hub/cluster.ts";
import { codeOf, rejection, turn } from "../hub/wires.ts";

const never = () => new Promise<void>(() => {});
const at = (id: string | undefined) => ({ id: id! });

testOnAdapters("promise 6: messages that any node publishes after ready arrive", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  a!.tap.beforeSubscribe = turn;
  for (let n = 0; n < 10; n++) {
    const client = await a!.member();
    const heard: unknown[] = [];
    client.on("message", ({ text }) => heard.push(text));
    await a!.hub.room("lobby").add(at(client.connectionId));
    b!.hub.room("lobby").broadcast("message", { room: "lobby", text: `${n}` });
    await client.subscribe("ticker/ACME", ({ price }) => heard.push(price)).ready;
    b!.hub.publish("ticker/ACME", { price: n });
    await waitFor(() => heard.length === 2, { what: "both" });
    assertEquals(heard.map(String), [`${n}`, `${n}`]);
    await client.close(); // so that the next one subscribes anew
  }
});

testOnAdapters("promise 6: concurrent joiners share one subscribe and all wait for it", async (start) => {
  await using cluster = await start(1);
  const [a] = cluster.nodes;
  const clients = await Promise.all(Array.from({ length: 10 }, () => a!.member()));
  const gate = Promise.withResolvers<void>();
  a!.tap.beforeSubscribe = () => gate.promise;
  let ready = 0;
  const joins = clients.map(async (client, i) => {
    if (i % 2) await a!.hub.room("lobby").add(at(client.connectionId));
    else await client.subscribe("ticker/ACME", () => {}).ready;
    ready++;
  });
  await turn();
  assertEquals(ready, 0);
  assertEquals(a!.hub.stats().subscriptions, 5);
  gate.resolve();
  await Promise.all(joins);
  const own = a!.tap.subscribed.filter((channel) => /^(room|topic):/.test(channel));
  assertEquals(own.sort(), ["room:lobby", "topic:ticker/ACME"]);
  for (const client of clients) await client.close();
  await empty(a!);
  assertEquals(a!.tap.unsubscribed.includes("room:lobby"), true);
});

testOnAdapters(
  "promise 6: a failed subscribe is an error for all waiting callers, and is rolled back",
  async (start) => {
    await using cluster = await start(1);
    const [a] = cluster.nodes;
    const clients = await Promise.all(Array.from({ length: 3 }, () => a!.member()));
    const room = a!.hub.room("lobby");
    let failing = true;
    a!.tap.beforeSubscribe = async () => {
      await turn();
      if (failing) throw new Error("no permission, password hunter2");
    };
    const codes = await Promise.all(clients.map((client) => codeOf(() => room.add(at(client.connectionId)))));
    assertEquals(codes, ["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]);
    const refusal = await rejection(clients[0]!.subscribe("stats", () => {}).ready);
    assertEquals([refusal.code, refusal.message.includes("hunter2")], ["UNAVAILABLE", false]);
    assertEquals((await room.members()).connections, []);
    assertEquals(a!.hub.stats().groups, 1); // the role
    assertEquals(a!.hub.stats().channels, 1);
    assertEquals(a!.hub.stats().subscriptions, 0);
    assertEquals(a!.errors.map(({ info }) => info), [
      { stage: "subscribe", channel: "room:lobby" },
      { stage: "subscribe", channel: "topic:stats" },
    ]);
    failing = false;
    await room.add(at(clients[0]!.connectionId));
    await clients[0]!.subscribe("stats", () => {}).ready;
    assertEquals((await room.members()).connections.length, 1);
  },
);

testOnAdapters(
  "promise 6: a subscribe without an answer rejects for all callers in time, again and again",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(1, { clock, backplaneTimeoutMs: 1_000 });
    const [a] = cluster.nodes;
    const ann = at((await a!.member()).connectionId);
    const bob = at((await a!.member()).connectionId);
    const room = a!.hub.room("lobby");
    a!.tap.beforeSubscribe = never;
    const first = codeOf(() => room.add(ann));
    await turn();
    clock.advance(600);
    const second = codeOf(() => room.add(bob));
    await turn();
    clock.advance(400);
    assertEquals(await first, "TIMEOUT");
    const third = codeOf(() => room.add(ann));
    await turn();
    clock.advance(1_000);
    assertEquals(await Promise.all([second, third]), ["TIMEOUT", "TIMEOUT"]);
    assertEquals((await room.members()).connections, []);
    assertEquals(a!.hub.stats().groups, 1);
  },
);

testOnAdapters(
  "promise 6: a subscribe that succeeds too late is undone, unless a client wants it",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(1, { clock, backplaneTimeoutMs: 1_000 });
    const [a] = cluster.nodes;
    const ann = at((await a!.member()).connectionId);
    for (const wanted of [false, true]) {
      const name = `late ${wanted}`;
      const gate = Promise.withResolvers<void>();
      a!.tap.beforeSubscribe = () => gate.promise;
      const first = codeOf(() => a!.hub.room(name).add(ann));
      await turn();
      clock.advance(1_000);
      assertEquals(await first, "TIMEOUT");
      const second = wanted ? a!.hub.room(name).add(ann) : Promise.resolve();
      gate.resolve();
      await second;
      const takenBack = () => a!.tap.unsubscribed.includes(`room:${name}`);
      if (!wanted) await waitFor(takenBack, { what: "the subscribe to be taken back" });
      await turn();
      assertEquals(a!.tap.subscribed.filter((channel) => channel === `room:${name}`).length, 1);
      assertEquals(takenBack(), !wanted);
    }
  },
);

testOnAdapters(
  "promise 6: an unsubscribe without an answer does not block later callers",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(1, { clock, backplaneTimeoutMs: 1_000 });
    const [a] = cluster.nodes;
    const ann = at((await a!.member()).connectionId);
    const room = a!.hub.room("lobby");
    await room.add(ann);
    const gate = Promise.withResolvers<void>();
    const { unsubscribe } = a!.tap;
    a!.tap.unsubscribe = () => gate.promise;
    room.remove(ann);
    const again = codeOf(() => room.add(ann));
    await turn();
    clock.advance(1_000);
    assertEquals(await again, "TIMEOUT");
    gate.resolve();
    a!.tap.unsubscribe = unsubscribe;
    await room.add(ann);
    assertEquals((await room.members()).connections.length, 1);
  },
);

testOnAdapters(
  "promise 6: leaving, closing and shutting down during a join reject it and leave nothing",
  async (start) => {
    await using cluster = await start(1);
    const [a] = cluster.nodes;
    const room = a!.hub.room("lobby");
    const gate = Promise.withResolvers<void>();
    const [ann, bob, cid] = await Promise.all(Array.from({ length: 3 }, () => a!.member()));
    a!.tap.beforeSubscribe = () => gate.promise;
    const removed = codeOf(() => room.add(at(ann!.connectionId)));
    const closed = codeOf(() => room.add(at(bob!.connectionId)));
    const stopped = codeOf(() => room.add(at(cid!.connectionId)));
    const sub = bob!.subscribe("ticker/ACME", () => {});
    const subClosed = codeOf(() => sub.ready);
    const unsub = ann!.subscribe("ticker/ACME", () => {});
    const unsubscribed = codeOf(() => unsub.ready);
    await turn();
    room.remove(at(ann!.connectionId));
    unsub.unsubscribe();
    await bob!.close();
    assertEquals(
      await Promise.all([removed, closed, subClosed, unsubscribed]),
      Array(4).fill("DISCONNECTED"),
    );
    assertEquals(await codeOf(() => room.add(at("nobody"))), "DISCONNECTED");
    const closing = a!.hub.close();
    assertEquals(await stopped, "DISCONNECTED");
    await closing;
    gate.resolve();
    await turn();
    await empty(a!);
  },
);

testOnAdapters(
  "promise 6: a join that is cancelled and repeated is live when its own promise says so",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const ann = await a!.member();
    const heard: string[] = [];
    ann.on("message", ({ text }) => heard.push(text));
    const room = a!.hub.room("lobby");
    a!.tap.beforeSubscribe = turn;
    const first = codeOf(() => room.add(at(ann.connectionId)));
    room.remove(at(ann.connectionId));
    const second = room.add(at(ann.connectionId));
    assertEquals(await first, "DISCONNECTED");
    await second;
    b!.hub.room("lobby").broadcast("message", { room: "lobby", text: "hi" });
    await waitFor(() => heard.length > 0, { what: "the message" });
    assertEquals(heard, ["hi"]);
  },
);

testOnAdapters(
  "promise 6: a denied subscription rejects, and neither sees a message nor leaves a trace",
  async (start) => {
    const asked: unknown[] = [];
    await using cluster = await start(1, {
      authorize: {
        "ticker/:symbol": async ({ params, conn, topic }) => {
          asked.push([params.symbol, conn.user?.id, topic]);
          await turn();
          return params.symbol !== "SECRET";
        },
        "stats": () => {
          throw new Error("the database says hunter2");
        },
      },
    });
    const [a] = cluster.nodes;
    const ann = await a!.member("ann");
    const heard: unknown[] = [];
    const denied = ann.subscribe("ticker/SECRET", (tick) => heard.push(tick));
    const open = ann.subscribe("ticker/ACME", (tick) => heard.push(tick));
    a!.hub.publish("ticker/SECRET", { price: 1 });
    const refusals = await Promise.all([
      rejection(denied.ready),
      rejection(ann.subscribe("stats", () => {}).ready),
    ]);
    assertEquals(refusals.map(({ code }) => code), ["FORBIDDEN", "INTERNAL"]);
    assert(!refusals[1]!.message.includes("hunter2"));
    await open.ready;
    a!.hub.publish("ticker/SECRET", { price: 2 });
    a!.hub.publish("ticker/ACME", { price: 3 });
    await waitFor(() => heard.length > 0, { what: "the tick" });
    assertEquals(heard, [{ price: 3 }]);
    assertEquals(asked, [["SECRET", "ann", "ticker/SECRET"], ["ACME", "ann", "ticker/ACME"]]);
    assertEquals(a!.hub.stats().subscriptions, 1);
  },
);
