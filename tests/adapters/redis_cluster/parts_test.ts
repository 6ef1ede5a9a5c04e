import { assert, assertEquals, assertThrows } from "@std/assert";
import type { AdapterData } from "../../../adapters/adapter.ts";
import {
  createRedisClusterAdapter,
  type RedisClusterAdapterOptions,
} from "../../../adapters/redis_cluster/mod.ts";
import { nodeFailure } from "../../../adapters/redis_cluster/errors.ts";
import { readNodes } from "../../../adapters/redis_cluster/nodes.ts";
import { Outbox, type Outgoing, type Route } from "../../../adapters/redis_cluster/publishing/outbox.ts";
import { Names } from "../../../adapters/redis_cluster/partitions.ts";
import { Mail } from "../../../adapters/redis_cluster/mail.ts";
import { Seen } from "../../../adapters/redis_cluster/seen.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";

const MOVED = new Error("MOVED 7 127.0.0.1:2");

/** A shard that answers when it is told to. */
class ScriptedRoute implements Route {
  ready = true;
  readonly sent: Outgoing[] = [];
  readonly address: string;
  #answered = 0;

  constructor(address: string) {
    this.address = address;
  }

  send(message: Outgoing): void {
    this.sent.push(message);
  }

  answer(...results: (number | Error)[]): void {
    for (const result of results) {
      const message = this.sent[this.#answered++]!;
      message.outbox.settled(message, result);
    }
  }

  get texts(): unknown[] {
    return this.sent.map(({ data }) => data);
  }
}

function scene() {
  const clock = new FakeClock();
  const lost: string[] = [];
  const counts = { settled: 0, moved: 0, trouble: 0 };
  const outbox = new Outbox({
    slot: 7,
    clock,
    onMoved: () => counts.moved++,
    onTrouble: () => counts.trouble++,
    onSettled: () => counts.settled++,
    onLost: ({ data }, reason) => lost.push(`${data}: ${reason}`),
  });
  const publish = (...texts: string[]) => {
    for (const data of texts) outbox.publish({ outbox, of: "c", name: "c", data, since: clock.now() });
  };
  const [old, next] = [new ScriptedRoute("127.0.0.1:1"), new ScriptedRoute("127.0.0.1:2")];
  outbox.moveTo(old);
  return { clock, lost, counts, outbox, publish, old, next };
}

test("redis-cluster: messages that a shard refuses as moved go to the next shard before all later ones", () => {
  const { outbox, publish, old, next, counts, lost } = scene();
  publish("1", "2", "3", "4");
  old.answer(1, MOVED);
  publish("5");
  outbox.moveTo(next);
  publish("6");
  assertEquals([old.texts, next.texts], [["1", "2", "3", "4"], []]);
  old.answer(MOVED, MOVED);
  publish("7");
  assertEquals(next.texts, ["2", "3", "4", "5", "6", "7"]);
  next.answer(1, 1, 1, 1, 1, 1);
  assertEquals([counts.settled, counts.moved, lost], [7, 3, []]);
});

test("redis-cluster: nothing goes to the next shard while the old one may still take something", () => {
  const { outbox, publish, old, next } = scene();
  publish("1");
  outbox.moveTo(next);
  publish("2");
  assertEquals(next.texts, []);
  old.answer(1);
  assertEquals(next.texts, ["2"]);
});

test("redis-cluster: messages that wait for a moving slot wait for a limited time, and are reported", () => {
  const { clock, outbox, publish, old, next, counts, lost } = scene();
  next.ready = false;
  publish("1");
  old.answer(MOVED);
  publish("2");
  outbox.moveTo(next);
  clock.advance(1_999);
  assertEquals(lost, []);
  clock.advance(1);
  assertEquals(lost.map((text) => text.slice(0, 2)), ["1:", "2:"]);
  publish("3");
  assertEquals([lost.at(-1), counts.settled], ["3: the connection to 127.0.0.1:2 is down", 3]);
  next.ready = true;
  outbox.changed();
  publish("4");
  assertEquals(next.texts, ["4"]);
});

test("redis-cluster: a shard that refuses for now is tried again, with pauses and a time limit", () => {
  const { clock, publish, old, counts, lost } = scene();
  publish("1");
  for (let waited = 0; lost.length === 0; waited += 25) {
    assert(waited < 10_000, "It is asked for ever");
    const { length } = old.sent;
    old.answer(new Error("CLUSTERDOWN Hash slot not served"));
    assertEquals(old.sent.length, length);
    clock.advance(25);
  }
  assertEquals([counts.settled, new Set(old.texts).size], [1, 1]);
  assert(old.sent.length > 10 && old.sent.length < 200);
});

test("redis-cluster: messages that a shard refuses before it takes a later one are lost and reported, because no node takes them any more", () => {
  const { clock, publish, old, counts, lost } = scene();
  publish("1", "2", "3", "4");
  const busy = new Error("BUSY Redis is busy running a script");
  old.answer(busy, busy, 1, busy);
  clock.advance(25);
  assertEquals(old.texts, ["1", "2", "3", "4", "4"]);
  old.answer(1);
  const why = "the shard has refused them, and taken a later one";
  assertEquals([lost, counts.settled], [[`1: ${why}`, `2: ${why}`], 4]);
});

test("redis-cluster: a message that may have arrived is never sent again", () => {
  const { publish, old, outbox, next, lost } = scene();
  publish("1", "2");
  old.ready = false;
  old.answer(new Error("Connection is closed."), new Error("Connection is closed."));
  outbox.moveTo(next);
  publish("3");
  assertEquals([next.texts, lost.length], [["3"], 2]);
});

test("redis-cluster: a message that comes again or too late is not delivered, a silent publisher is forgotten", () => {
  const seen = new Seen();
  assertEquals([1, 3, 3, 2, 4].map((n) => seen.isNew("a", n, 0)), [true, true, false, false, true]);
  assertEquals(seen.isNew("b", 1, 0), true);
  assertEquals([seen.isNew("b", 2, 60_001), seen.isNew("a", 4, 60_001)], [true, false]);
  assertEquals([seen.isNew("b", 3, 120_002), seen.isNew("a", 4, 180_003)], [true, true]);
});

test("redis-cluster: different prefixes and channels have different names, whatever braces they contain", () => {
  const pairs = [["a", "b"], ["a:{1}", "b"], ["a", "{1}:b"], ["a%7b", "b"], ["a{", "b"], ["a", ""]] as const;
  const odd = ["\ud800", "\ud801", "\ufffd", '"\\ud800"'].map((channel) => ["a", channel] as const);
  const names = [...pairs, ...odd].map(([prefix, channel]) => new Names(prefix).of("1", channel));
  names.push(...["b", "\ud800"].map((nodeId) => new Names("a").ofProbe("1", nodeId)));
  const bytes = names.map((name) => new TextEncoder().encode(name).join());
  assertEquals(new Set(bytes).size, names.length);
  for (const name of names) assertEquals(/\{(.*?)\}/.exec(name)?.[1], "1");
});

test("redis-cluster: nodes are read from URLs, lists and addresses; credentials and TLS of one hold for all", () => {
  const read = (nodes: RedisClusterAdapterOptions["nodes"]) => readNodes({ nodes });
  assertEquals(read("redis://a:1, redis://b").seeds(), ["a:1", "b:6379"]);
  assertEquals(read(["a", { host: "::1", port: 2 }, "redis://[::1]:3"]).seeds(), [
    "a:6379",
    "::1:2",
    "::1:3",
  ]);
  const { optionsFor, secrets } = read(["rediss://me:p%20w@a:1", "b:2"]);
  assertEquals(optionsFor("c:3"), { host: "c", port: 3, username: "me", password: "p w", tls: {} });
  assertEquals(optionsFor("::1:3").host, "::1");
  assertEquals(secrets, ["p w", "p%20w", "p w", "p%20w"].slice(0, secrets.length));
  const mapped = readNodes({ nodes: "a", natMap: { "10.0.0.1:1": { host: "b", port: 2 } } });
  assertEquals(["10.0.0.1:1", "10.0.0.2:1", "toString"].map(mapped.locate), [
    "b:2",
    "10.0.0.2:1",
    "toString",
  ]);
  const byFunction = readNodes({
    nodes: "a",
    natMap: (address) => address === "x:1" ? { host: "y", port: 2 } : null,
  });
  assertEquals(["x:1", "z:1"].map(byFunction.locate), ["y:2", "z:1"]);
});

test("redis-cluster: options that make no sense are refused at once, without the secret", () => {
  const wrong: [unknown, typeof TypeError | typeof RangeError][] = [
    [{}, TypeError],
    [{ nodes: [] }, TypeError],
    [{ nodes: "http://me:secret@a" }, TypeError],
    [{ nodes: "redis://me:secret%@a" }, TypeError],
    [{ nodes: [{ port: 1 }] }, TypeError],
    [{ nodes: "a", prefix: undefined }, TypeError],
    [{ nodes: "a", partition: 3 }, TypeError],
    [{ nodes: "a", client: {} }, TypeError],
    [{ client: {} }, TypeError],
    [{ nodes: "a", mode: "other" }, TypeError],
    [{ nodes: "a", prefix: "" }, TypeError],
    [{ nodes: "a", prefix: "\ud800" }, TypeError],
    [{ nodes: "a", partitions: 0 }, RangeError],
    [{ nodes: "a", partitions: 1.5 }, RangeError],
    [{ nodes: "a", partitions: 1e6 }, RangeError],
    [{ nodes: "a", probeTimeoutMs: 0 }, RangeError],
    [{ nodes: "a", maxPendingBytes: -1 }, RangeError],
  ];
  for (const [options, type] of wrong) {
    const error = assertThrows(
      () => createRedisClusterAdapter({ prefix: "p", ...options as Partial<RedisClusterAdapterOptions> }),
      type,
    );
    assert(!String(error.stack).includes("secret"), error.message);
  }
  assertThrows(
    () => createRedisClusterAdapter({ prefix: "p", url: "redis://me:secret@a" } as never),
    TypeError,
    'Cannot use url of createRedisClusterAdapter: there is no such option, did you mean "nodes"?',
  );
});

test("redis-cluster: a refusal says what to do", () => {
  const failure = (message: string) => nodeFailure(new Error(message), "a:1", ["pw"]);
  for (
    const [reply, hint] of [
      ["ERR This instance has cluster support disabled", "createRedisAdapter"],
      ["ERR unknown command 'spublish', with args beginning with: ", 'mode: "classic"'],
      ["WRONGPASS invalid username-password pair", "password"],
    ] as const
  ) {
    const { error, kind } = failure(reply);
    assert(
      kind === "refused" && error.message.includes(hint) && error.message.includes("redis-cluster at a:1"),
      error.message,
    );
  }
  assertEquals(
    failure("connect ECONNREFUSED pw").error.message,
    "Cannot connect to redis-cluster at a:1: connect ECONNREFUSED ***",
  );
});

test("redis-cluster: messages are recognised by their sender and number, and everything else is foreign", () => {
  const [a, b] = [new Mail("node a", 2), new Mail("b", 2)];
  const bytes = (data: AdapterData) => typeof data === "string" ? new TextEncoder().encode(data) : data;
  const text = bytes(a.pack(1, "hello"));
  assertEquals(b.unpack(1, text, 0), { from: "node a", data: "hello" });
  assertEquals([b.unpack(1, text, 0), a.unpack(1, text, 0)], ["known", "known"]);
  const raw = bytes(a.pack(1, new Uint8Array([1, 0, 255])));
  assertEquals(b.unpack(1, raw, 0), { from: "node a", data: new Uint8Array([1, 0, 255]) });
  assertEquals(a.unpack(1, raw, 0), "known");
  // Another partition has numbers of its own; a node whose id begins like another's is not that one.
  assertEquals(b.unpack(0, bytes(a.pack(0, "")), 0), { from: "node a", data: "" });
  assertEquals(new Mail("node", 2).unpack(0, bytes(a.pack(0, "x")), 0), { from: "node a", data: "x" });
  const [short, long] = [new Mail("n", 1), new Mail("n 1", 1)];
  assertEquals(short.unpack(0, bytes(long.pack(0, "2 x")), 0), { from: "n 1", data: "2 x" });
  assertEquals(new Mail("é", 1).unpack(0, bytes(new Mail("é", 1).pack(0, "x")), 0), "known");
  for (const foreign of ["", "hello", "TL1", "TL1t1:a", "TL1t6:node a", "TL1t99999:x", "TL1b1:b"]) {
    assertEquals(b.unpack(0, bytes(foreign), 0), "foreign", foreign);
  }
});
