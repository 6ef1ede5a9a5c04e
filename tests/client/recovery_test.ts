import { assertEquals } from "@std/assert";
import type { SubscribeOptions } from "../../client/mod.ts";
import type { ServerMessage, Welcome } from "../../contract/mod.ts";
import { test } from "../harness.ts";
import { opened, reopened, type Rig, turn } from "./setup.ts";

const TOPIC = "ticker/ACME";
const REQUEST_TIMEOUT_MS = 10_000;

/** A client with a live subscription of a topic with history that stands at offset 5. */
async function live(options: SubscribeOptions = {}, welcome: Partial<Welcome> = {}) {
  const rig = await opened({}, welcome);
  const heard: [n: number, offset?: number, epoch?: string, recovered?: boolean][] = [];
  const recoveries: boolean[] = [];
  const sub = rig.client.subscribe(TOPIC, ({ n }, { offset, epoch, recovered }) => {
    heard.push([n, offset, epoch, recovered]);
  }, { onRecovery: ({ recovered }) => void recoveries.push(recovered), ...options });
  await turn();
  rig.server.link.accept(TOPIC, { position: ["e1", 5], recovered: false });
  await sub.ready;
  return { ...rig, sub, heard, recoveries };
}

const rec = (offset: number): ServerMessage => ["rec", TOPIC, offset, { n: offset * 10 }];

/** The last subscribe of a link. */
const lastSub = ({ server }: Rig) => server.link.sent("sub").at(-1);

test("messages carry offset and epoch; duplicates are dropped", async () => {
  const { client, server, heard } = await live();
  server.link.say(rec(6), rec(6), rec(5), rec(7), rec(1));
  assertEquals(heard, [[60, 6, "e1", false], [70, 7, "e1", false]]);
  await client.close();
});

test("a reconnect asks for missed messages and delivers them in order, before live messages", async () => {
  const rig = await live();
  rig.server.link.say(rec(6));
  await reopened(rig);
  assertEquals(lastSub(rig), ["sub", 2, TOPIC, { since: ["e1", 6] }]);
  rig.server.link.say(rec(7), rec(8), ["res", 2, { position: ["e1", 8], recovered: true }], rec(9));
  assertEquals(rig.heard.slice(1), [[70, 7, "e1", true], [80, 8, "e1", true], [90, 9, "e1", false]]);
  assertEquals(rig.recoveries, [true]);
  await rig.client.close();
});

test("a link that is lost during the replay goes on where it stopped", async () => {
  const rig = await live();
  await reopened(rig);
  rig.server.link.say(rec(6), rec(7));
  await reopened(rig);
  assertEquals(lastSub(rig)?.[3], { since: ["e1", 7] });
  rig.server.link.say(rec(8));
  rig.server.link.accept(TOPIC, { position: ["e1", 8], recovered: true });
  assertEquals(rig.heard.map(([, offset]) => offset), [6, 7, 8]);
  assertEquals(rig.recoveries, [true]);
  await rig.client.close();
});

test("a long recovery is waited for as long as messages come, and no longer", async () => {
  const rig = await live();
  await reopened(rig);
  for (let offset = 6; offset <= 20; offset++) {
    rig.clock.advance(REQUEST_TIMEOUT_MS / 2);
    rig.server.link.say(rec(offset));
  }
  await turn();
  assertEquals([rig.server.link.sent("unsub").length, rig.errors], [0, []]);
  rig.clock.advance(REQUEST_TIMEOUT_MS + 1);
  await turn();
  assertEquals(rig.server.link.sent("unsub").length, 1);
  assertEquals(rig.errors.map(({ info }) => info.stage), ["subscribe"]);
  await rig.client.close();
});

test("messages that cannot be recovered are reported as missing, and the stream goes on from the present", async () => {
  for (const position of [["e1", 50], ["e2", 3]] as const) {
    const rig = await live();
    await reopened(rig);
    rig.server.link.accept(TOPIC, { position, recovered: false });
    const [epoch, offset] = position;
    rig.server.link.say(rec(offset), rec(offset + 1));
    assertEquals(rig.heard, [[(offset + 1) * 10, offset + 1, epoch, false]]);
    assertEquals(rig.recoveries, [false]);
    await reopened(rig);
    assertEquals(lastSub(rig)?.[3], { since: [epoch, offset + 1] });
    await rig.client.close();
  }
});

test("a recovery that did not arrive whole is never called recovered", async () => {
  for (const position of [["e1", 8], ["e2", 7]] as const) {
    const rig = await live();
    await reopened(rig);
    rig.server.link.say(rec(6), rec(7));
    rig.server.link.accept(TOPIC, { position, recovered: true });
    assertEquals(rig.recoveries, [false]);
    await rig.client.close();
  }
});

test("after a gap nothing is delivered: the client subscribes again from its position", async () => {
  const rig = await live();
  const { client, server, heard, recoveries, sub } = rig;
  server.link.say(rec(6), rec(8), rec(9));
  assertEquals([heard.map(([, offset]) => offset), sub.status], [[6], "pending"]);
  await turn();
  assertEquals(server.link.frames.at(-1), [["unsub", TOPIC], ["sub", 2, TOPIC, { since: ["e1", 6] }]]);
  server.link.say(rec(10)); // sent before the server read that
  server.link.say(rec(7), rec(8), rec(9), rec(10));
  server.link.accept(TOPIC, { position: ["e1", 10], recovered: true });
  server.link.say(rec(11));
  assertEquals(heard.map(([, offset]) => offset), [6, 7, 8, 9, 10, 11]);
  assertEquals([recoveries, sub.status], [[true], "live"]);
  assertEquals(server.link.sent("sub").length, 2);
  await client.close();
});

test("messages that are left over from an old subscription are not taken for the next one's, of another epoch", async () => {
  const rig = await live({}, { history: true });
  const { client, server, heard, recoveries, sub } = rig;
  server.link.say(rec(6), rec(8));
  await turn();
  assertEquals(server.link.frames.at(-1), [["unsub", TOPIC], [
    "sub",
    2,
    TOPIC,
    { since: ["e1", 6], again: true },
  ]]);
  // All this was sent before the server read that: a new epoch has come as far as the old one.
  server.link.say(["gap", TOPIC, ["e2", 5]], rec(6), rec(7), rec(8));
  server.link.say(["from", 2, ["e1", 6]], rec(7));
  server.link.accept(TOPIC, { position: ["e1", 7], recovered: true });
  assertEquals([heard.map(([, offset, epoch]) => [offset, epoch]), recoveries], [
    [[6, "e1"], [7, "e1"]],
    [true],
  ]);
  sub.unsubscribe();
  const fresh: number[] = [];
  const since = { epoch: "e3", offset: 7 };
  client.subscribe(TOPIC, (_tick, { offset }) => void fresh.push(offset!), { since } as SubscribeOptions);
  await turn();
  assertEquals(lastSub(rig), ["sub", 3, TOPIC, { since: ["e3", 7], again: true }]);
  server.link.say(rec(8), ["from", 3, ["e3", 7]]);
  server.link.accept(TOPIC, { position: ["e3", 7], recovered: true });
  server.link.say(rec(8));
  assertEquals(fresh, [8]);
  await reopened(rig, { history: true });
  assertEquals(lastSub(rig), ["sub", 4, TOPIC, { since: ["e3", 8] }], "nothing is left over on a new link");
  await client.close();
});

test("messages after a hole and before the next subscribe count as left over, too", async () => {
  const rig = await live({}, { history: true });
  const { client, server, heard, clock } = rig;
  server.link.say(rec(7));
  await turn();
  server.link.say(["from", 2, ["e1", 5]]);
  server.link.accept(TOPIC, { position: ["e1", 5], recovered: true });
  server.link.say(rec(7)); // a hole again: the next subscribe waits
  server.link.say(["gap", TOPIC, ["e2", 5]], rec(6));
  clock.advance(1_000);
  await turn();
  assertEquals([lastSub(rig), heard], [["sub", 3, TOPIC, { since: ["e1", 5], again: true }], []]);
  await client.close();
});

test("a gap that the history no longer covers is reported", async () => {
  const { client, server, heard, recoveries } = await live();
  server.link.say(rec(8));
  await turn();
  server.link.accept(TOPIC, { position: ["e1", 20], recovered: false });
  server.link.say(rec(9), rec(21));
  assertEquals(heard.map(([, offset]) => offset), [21]);
  assertEquals(recoveries, [false]);
  await client.close();
});

test("a gap that the server reports is passed on, and the stream goes on from there", async () => {
  const rig = await live();
  const { server, client, heard, recoveries } = rig;
  server.link.say(rec(6), ["gap", TOPIC, ["e2", 9]], rec(9), rec(10), ["gap", "ticker/OTHER", ["e2", 9]]);
  assertEquals(heard, [[60, 6, "e1", false], [100, 10, "e2", false]]);
  assertEquals([recoveries, rig.sub.status], [[false], "live"]);
  await reopened(rig);
  assertEquals(lastSub(rig)?.[3], { since: ["e2", 10] });
  server.link.say(["gap", TOPIC, ["e3", 0]]); // not of this subscribe: its answer tells
  server.link.accept(TOPIC, { position: ["e2", 10], recovered: true });
  assertEquals(recoveries, [false, true]);
  await client.close();
});

test("a gap of a node that is behind the client is ignored: the client has these messages (promise 4)", async () => {
  const { client, server, heard, recoveries } = await live();
  server.link.say(rec(6), rec(7), ["gap", TOPIC, ["e1", 4]], rec(5), rec(6), rec(7), rec(8));
  assertEquals(heard.map(([, offset]) => offset), [6, 7, 8]);
  assertEquals(recoveries, []);
  server.link.say(["gap", TOPIC, ["e1", 8]], rec(9)); // it may be a message that the node could not read
  assertEquals([heard.at(-1)![1], recoveries], [9, [false]]);
  await client.close();
});

test("a message that breaks the contract leaves no gap", async () => {
  const { client, server, heard, errors } = await live();
  server.link.say(["rec", TOPIC, 6, { n: "x" }], rec(7));
  assertEquals(heard.map(([, offset]) => offset), [7]);
  assertEquals(errors.map(({ info }) => info.stage), ["topic"]);
  await client.close();
});

test("a new subscription starts at the present, whatever is left over from the old one", async () => {
  const rig = await live();
  const { client, server, sub } = rig;
  sub.unsubscribe();
  const heard: number[] = [];
  const fresh = client.subscribe(TOPIC, ({ n }) => void heard.push(n));
  await turn();
  assertEquals(lastSub(rig), ["sub", 2, TOPIC]);
  server.link.say(rec(6), rec(7));
  server.link.accept(TOPIC, { position: ["e1", 7], recovered: false });
  server.link.say(rec(8));
  await fresh.ready;
  assertEquals([heard, rig.heard], [[80], []]);
  await client.close();
});

test("a recovery listener may throw, unsubscribe or close", async () => {
  const rig = await live();
  const { client, errors } = rig;
  client.subscribe(TOPIC, () => {}, {
    onRecovery: () => {
      throw new Error("Listener");
    },
  });
  const calls: string[] = [];
  const leaver = client.subscribe(TOPIC, () => {}, {
    onRecovery: () => {
      calls.push("leaver");
      leaver.unsubscribe();
      next.unsubscribe();
    },
  });
  const next = client.subscribe(TOPIC, () => {}, { onRecovery: () => void calls.push("next") });
  client.subscribe(TOPIC, () => {}, {
    onRecovery: () => {
      calls.push("closer");
      void client.close();
    },
  });
  client.subscribe(TOPIC, () => {}, { onRecovery: () => void calls.push("last") });
  await reopened(rig);
  rig.server.link.accept(TOPIC, { position: ["e1", 5], recovered: true });
  assertEquals(calls, ["leaver", "closer"]);
  assertEquals(errors.map(({ info }) => info), [{ stage: "topic", name: TOPIC }]);
  await client.closed;
  assertEquals(rig.clock.pending <= 1, true);
});
