import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { HubError } from "../../contract/mod.ts";
import { Interest } from "../../hub/backplane/interest.ts";
import { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { Registry } from "../../hub/groups/registry.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { ScriptedAdapter, settled, watch } from "./scripted_adapter.ts";
import { TapeScene } from "./tape_scene.ts";

function scene() {
  const adapter = new ScriptedAdapter();
  const clock = new FakeClock();
  const interest = new Interest({ adapter, clock, timeoutMs: 100, onError() {} });
  const registry = new Registry(interest);
  const tapes = new TapeScene();
  const connect = () => tapes.connect();
  const assertEmpty = async () => {
    for (const channel of adapter.busy) await adapter.succeed(channel);
    for (const channel of adapter.busy) await adapter.succeed(channel);
    assertEquals([registry.size, [...registry.names()], interest.size, clock.pending], [0, [], 0, 0]);
    assertEquals(adapter.breaches, []);
  };
  return { adapter, clock, interest, registry, connect, assertEmpty };
}

test("registry: a connection is in a group from the moment its channel is live, and not before", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const [conn, message] = [connect(), new OutgoingMessage(["ping"])];
  let seen = -1;
  const joined = registry.join("g", conn, () => seen = registry.members("g").size);
  registry.deliver("g", message);
  assertEquals([registry.members("g").size, conn.got], [0, []]);
  await adapter.succeed("g");
  await joined;
  assertEquals(seen, 0);
  registry.deliver("g", message);
  registry.deliver("g", message, { event: "none" });
  registry.deliver("g", message, { except: conn });
  assertEquals([[...registry.names()], conn.got], [["g"], [["ping"]]]);
  registry.leave("g", conn);
  registry.leave("g", conn);
  registry.deliver("g", message);
  assertEquals(conn.got.length, 1);
  await assertEmpty();
});

test("registry: a connection that joins a live channel is in at once, and one whose start fails is not in", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const [first, second, third] = [connect(), connect(), connect()];
  registry.join("g", first);
  await adapter.succeed("g");
  let seen = -1;
  const joined = registry.join("g", second, () => seen = registry.members("g").size);
  registry.deliver("g", new OutgoingMessage(["ping"]));
  assertEquals([seen, second.got], [1, [["ping"]]]);
  await joined;
  const failing = () => {
    throw new TypeError("The start");
  };
  await assertRejects(() => registry.join("g", third, failing), TypeError, "The start");
  assertEquals([registry.members("g").has(third), third.memberships?.size ?? 0], [false, 0]);
  for (const conn of [first, second]) registry.leave("g", conn);
  await assertEmpty();
});

test("registry: a connection that is enrolled in a live channel waits for nothing", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const [first, second] = [connect(), connect()];
  const enrolled = registry.enrol("role:a", "role:a", first);
  await adapter.succeed("role:a");
  await enrolled;
  assertEquals(registry.enrol("role:a", "role:a", second), undefined);
  for (const conn of [first, second]) registry.quit("role:a", conn);
  await assertEmpty();
});

test("registry: a second join waits for the first, and is in once", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const conn = connect();
  const joins = [registry.join("g", conn), registry.join("g", conn)];
  await adapter.succeed("g");
  await Promise.all(joins);
  await registry.join("g", conn);
  assertEquals([registry.members("g").size, adapter.asked], [1, ["subscribe g"]]);
  registry.leave("g", conn);
  await assertEmpty();
});

test("registry: a connection that leaves before the channel is live is told at once, and is never in", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const [conn, other] = [connect(), connect()];
  const left = registry.join("g", conn);
  const stays = registry.join("g", other);
  registry.leave("g", conn);
  const error = await assertRejects(() => left, HubError);
  assertEquals(error.code, "DISCONNECTED");
  await adapter.succeed("g");
  await stays;
  assertEquals([...registry.members("g")].length, 1);
  assertEquals(conn.memberships?.size ?? 0, 0);
  registry.leaveAll(other);
  await assertEmpty();
});

test("registry: a connection that leaves and joins again while the channel comes up is in once", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const conn = connect();
  const first = watch(registry.join("g", conn));
  registry.leave("g", conn);
  const second = watch(registry.join("g", conn));
  await adapter.succeed("g");
  assertEquals([first.state, second.state, registry.members("g").size], ["rejected", "resolved", 1]);
  registry.leaveAll(conn);
  await assertEmpty();
});

test("registry: a join whose channel fails leaves nothing behind, and may be tried again", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const conn = connect();
  const failed = watch(registry.join("g", conn));
  await adapter.fail("g");
  assertEquals([failed.state, conn.memberships?.size ?? 0], ["rejected", 0]);
  const again = watch(registry.join("g", conn));
  await adapter.succeed("g");
  assertEquals([again.state, registry.members("g").size], ["resolved", 1]);
  registry.leaveAll(conn);
  await assertEmpty();
});

test("registry: a join whose last step throws is undone, and may be tried again", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const conn = connect();
  const failed = registry.join("g", conn, () => {
    throw new HubError("BAD_REQUEST", "Cannot encode");
  });
  failed.catch(() => {});
  await adapter.succeed("g");
  await assertRejects(() => failed, HubError, "Cannot encode");
  assertEquals([conn.memberships?.size ?? 0, registry.members("g").size], [0, 0]);
  await adapter.succeed("g"); // the unsubscribe
  const again = watch(registry.join("g", conn));
  await adapter.succeed("g");
  assertEquals(again.state, "resolved");
  registry.leaveAll(conn);
  await assertEmpty();
});

test("registry: a connection that is gone joins nothing", async () => {
  const { adapter, registry, connect } = scene();
  const conn = connect();
  conn.closed = true as never;
  const error = await assertRejects(() => registry.join("g", conn), HubError);
  assertEquals([error.code, adapter.asked, conn.memberships?.size ?? 0], ["DISCONNECTED", [], 0]);
});

test("registry: an enrolled connection is in at once, whatever happens to the channel, and shares it with other groups", async () => {
  const { adapter, clock, registry, connect, assertEmpty } = scene();
  const [one, two] = [connect(), connect()];
  const enrolled = watch(registry.enrol("who:1", "user:7", one)!);
  registry.enrol("who:2", "user:7", two);
  assertEquals([registry.members("who:1").has(one), registry.members("who:2").has(two)], [true, true]);
  await adapter.fail("user:7");
  assertEquals([enrolled.state, adapter.asked], ["resolved", ["subscribe user:7"]]);
  registry.deliver("who:1", new OutgoingMessage(["ping"]));
  assertEquals([one.got.length, two.got.length], [1, 0]);
  clock.advance(1_000);
  await adapter.succeed("user:7");
  registry.quit("who:1", one);
  await settled();
  assertEquals(adapter.busy, [], "the channel is still wanted");
  registry.quit("who:1", one); // once counts
  registry.quit("who:2", two);
  await assertEmpty();
});

test("registry: an enrolled connection that leaves while the channel is retried stops the retries", async () => {
  const { adapter, registry, connect, assertEmpty } = scene();
  const conn = connect();
  registry.enrol("role:a", "role:a", conn);
  await adapter.fail("role:a");
  registry.quit("role:a", conn);
  await assertEmpty();
});

test("registry: a message that cannot be encoded is the sender's error, and no member gets a part of it", async () => {
  const { adapter, registry, connect } = scene();
  const [one, two] = [connect(), connect()];
  for (const conn of [one, two]) registry.join("g", conn);
  await adapter.succeed("g");
  assertThrows(() => registry.deliver("g", new OutgoingMessage(["ev", "n", 1n])), HubError);
  assertEquals([one.got, two.got], [[], []]);
});
