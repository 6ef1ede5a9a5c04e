import { assertEquals, assertRejects } from "@std/assert";
import { HubError, systemClock } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { startSessionHub } from "./session_hub.ts";
import { TinyClient, TinyError, type TinyOptions } from "./tiny_client.ts";

/** A client whose waits before reconnecting last until `goOn` is called. */
function connect(url: string, options: Partial<TinyOptions> = {}) {
  const holds: (() => void)[] = [];
  const wait = () => new Promise<void>((resolve) => holds.push(resolve));
  const client = new TinyClient({ url, role: "member", token: "ann", random: () => 0.5, wait, ...options });
  return {
    client,
    open: (count = 1) =>
      waitFor(() => client.open && client.welcomes.length === count, { what: `welcome ${count}` }),
    /** Lets the next attempt happen. */
    goOn: async () => (await waitFor(() => holds.shift(), { what: "a wait" }))(),
    async [Symbol.asyncDispose]() {
      const { length } = client.closes;
      if (client.open) {
        client.close();
        await waitFor(() => client.closes.length > length, { what: "the close" });
      }
    },
  };
}

test("a client written from the document sends requests and signals, gets events, and answers requests", async () => {
  await using server = await startSessionHub();
  await using one = connect(server.url);
  await one.open();
  const { client } = one;
  assertEquals(client.welcomes[0]?.node, server.hub.nodeId);

  assertEquals(await client.request("join", { room: "r1" }).answer, undefined);
  assertEquals(await client.request("say", { room: "r1", text: "hi" }).answer, { id: "m1" });
  assertEquals(client.events, [["message", { room: "r1", text: "hi" }]]);
  const refused = await assertRejects(() => client.request("say", { room: "r1" }).answer, TinyError);
  assertEquals(refused.code, "VALIDATION");

  client.signal("typing", { room: "r1" });
  client.signal("typing", {});
  await waitFor(() => client.faults.length === 1, { what: "the fault" });
  assertEquals([server.typed, client.faults], [[{ room: "r1" }], [["VALIDATION", "typing"]]]);

  client.cancel(client.request("wait").id);
  await waitFor(() => server.aborted.length === 1, { what: "the handler to be aborted" });

  const id = client.welcomes[0]!.connection;
  client.answer("confirm", (input) => (input as { question: string }).question === "Sure?");
  assertEquals(await server.hub.connection(id).request("confirm", { question: "Sure?" }), true);
  client.answer("confirm", () => new Promise(() => {}));
  const late = assertRejects(() =>
    server.hub.connection(id).request("confirm", { question: "Still there?" })
  );
  await waitFor(() => server.hub.stats().asking === 1, { what: "the question to be open" });
  server.clock.advance(10_000);
  await late;
  await waitFor(() => client.cancelled.length === 1, { what: "the cancel" });
  assertEquals(server.errors, []);
});

test("a client written from the document recovers its missed messages, or is told that it cannot", async () => {
  await using server = await startSessionHub();
  await using one = connect(server.url);
  await one.open();
  const { client } = one;
  const publish = (...lines: string[]) =>
    Promise.all(lines.map((line) => server.hub.publish("log/build", { line })));
  const log = client.subscribe("log/build");
  const stats = client.subscribe("stats");
  await Promise.all([log.ready, stats.ready]);
  await publish("one");
  server.hub.publish("stats", { users: 1 });
  await waitFor(() => stats.subscription.messages.length === 1, { what: "the statistics" });

  client.lose();
  await waitFor(() => server.hub.stats().connections === 0, { what: "the link to be gone" });
  await publish("two", "three");
  await one.goOn();
  await one.open(2);
  await waitFor(() => log.subscription.live, { what: "the subscription to be live again" });
  const lines = () => log.subscription.messages.map((message) => (message as { line: string }).line);
  assertEquals(lines(), ["one", "two", "three"]);
  assertEquals(log.subscription.recoveries, [false, true]);
  await publish("four");
  await waitFor(() => lines().length === 4, { what: "what came after it" });

  client.lose();
  await waitFor(() => server.hub.stats().connections === 0, { what: "the link to be gone" });
  await publish("five", "six", "seven", "eight"); // the history keeps three
  await one.goOn();
  await one.open(3);
  await waitFor(() => log.subscription.live, { what: "the subscription to be live again" });
  await publish("nine");
  await waitFor(() => lines().length === 5, { what: "what came after it" });
  assertEquals(lines(), ["one", "two", "three", "four", "nine"]);
  assertEquals(log.subscription.recoveries, [false, true, false]);

  server.bus.down();
  server.bus.up();
  await waitFor(() => log.subscription.recoveries.length === 4, { what: "the gap" });
  await publish("ten");
  await waitFor(() => lines().at(-1) === "ten", { what: "what came after the gap" });

  client.unsubscribe("log/build");
  const refused = await assertRejects(() => client.subscribe("log/secret").ready, TinyError);
  assertEquals(refused.code, "FORBIDDEN");
  assertEquals((await assertRejects(() => client.subscribe("nowhere").ready, TinyError)).code, "NOT_FOUND");
});

test("a client written from the document shows that it lives, and one that does not is closed", async () => {
  await using server = await startSessionHub({ clock: systemClock, heartbeatMs: 60 });
  await using one = connect(server.url);
  await one.open();
  const { client } = one;
  await waitFor(() => client.pings >= 8, { what: "pings over four heartbeats" });
  assertEquals(client.closes, []);
  client.send = () => {}; // silent from here on
  await waitFor(() => client.closes[0] === 4001, { what: "the close for silence" });
});

test("a client written from the document moves to another node when it is told to, within the time", async () => {
  await using server = await startSessionHub();
  await using one = connect(server.url);
  await one.open();
  const closed = server.hub.close({ drainMs: 5_000 });
  await waitFor(() => one.client.waits.length === 1, { what: "the move" });
  assertEquals(one.client.waits, [2_000]);
  await one.goOn();
  await closed;
  await waitFor(() => one.client.closes[0] === 1000, { what: "the client to have left" });
});

test("a client written from the document does not reconnect after a refusal", async () => {
  await using server = await startSessionHub();
  await using one = connect(server.url, { token: "wrong" });
  await waitFor(() => one.client.closes.length === 1, { what: "the refusal" });
  assertEquals(one.client.closes, [4501]);
  assertEquals(one.client.faults, [["UNAUTHENTICATED", undefined]]);
  assertEquals(one.client.waits, []);
});

test("a client written from the document reconnects when it is told to", async () => {
  let calls = 0;
  await using server = await startSessionHub({
    refuse() {
      if (++calls > 1) return;
      throw new HubError("UNAVAILABLE", "Too many at once", { data: { retryInMs: 12_500 } });
    },
  });
  await using one = connect(server.url);
  await waitFor(() => one.client.waits.length === 1, { what: "the wait" });
  assertEquals(one.client.waits, [12_750]);
  await one.goOn();
  await one.open();
});

test("a client written from the document sees the members of a room, and the changes after a reconnect", async () => {
  await using server = await startSessionHub();
  await using one = connect(server.url);
  await using two = connect(server.url, { token: "bob" });
  await Promise.all([one.open(), two.open()]);
  const [ann, bob] = [one.client, two.client];
  assertEquals(ann.welcomes[0]?.presence, true);
  await ann.request("join", { room: "r1" }).answer;
  const { watch, ready, again } = ann.watch("room:r1");
  await ready;
  await waitFor(() => watch.synced, { what: "the list" });
  const node = server.hub.nodeId;
  assertEquals([...watch.members], [["ann", ["ann", node, undefined]]]);

  const told = async (count: number) => {
    await waitFor(() => {
      server.clock.advance(100);
      return watch.news.length >= count;
    }, { what: `${count} changes` });
    return watch.news.slice(1);
  };
  await bob.request("join", { room: "r1" }).answer;
  await told(2);
  await bob.state("room:r1", { typing: true });
  assertEquals(await told(3), ["join bob", "update bob"]);
  assertEquals([watch.count, watch.members.get("bob")], [2, ["bob", node, { typing: true }]]);
  assertEquals(
    (await assertRejects(() => bob.state("room:r1", { typing: 7 }), TinyError)).code,
    "VALIDATION",
  );
  assertEquals(await bob.members("room:r1", { limit: 1, cursor: "ann" }), {
    nodes: [node],
    members: [["bob", 1, 0, { typing: true }]],
    count: 2,
  });

  ann.lose();
  bob.close();
  await waitFor(() => server.hub.stats().connections === 0, { what: "both to be gone" });
  await one.goOn();
  await one.open(2);
  assertEquals((await assertRejects(again, TinyError)).code, "FORBIDDEN");
  await ann.request("join", { room: "r1" }).answer;
  await again();
  assertEquals(await told(4), ["join bob", "update bob", "leave bob"]);
  assertEquals([watch.synced, watch.listed, watch.error], [true, true, undefined]);
  ann.unwatch("room:r1");
  await again();
  assertEquals(server.errors, []);
});
