import { assertEquals } from "@std/assert";
import type { HistoryStore } from "@trunkline/hub/adapters/history-store";
import type { Position } from "../../contract/mod.ts";
import { RecordMessage } from "../../hub/topics/record.ts";
import { TopicStream } from "../../hub/topics/stream/topic_stream.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { createNode } from "../hub/chat.ts";
import { microtasks, rawClient } from "../hub/wires.ts";
import { RestartingStore } from "./restarting_store.ts";

interface SceneOptions {
  /** Makes messages different; without it they are all equal. */
  readonly text?: (n: number) => string;
  /** The changes that a schema makes to a message, each time. */
  readonly parse?: (data: string) => string;
  /** Whether the store tells how old messages are. */
  readonly tellsAges?: boolean;
}

/** A stream of a store that may start again, and what it has delivered: offsets, and gaps as text. */
function scene({ text = () => '"x"', parse = (data) => data, tellsAges = true }: SceneOptions = {}) {
  const clock = new FakeClock();
  const server = new RestartingStore(clock, 1_000);
  const heard: (number | string)[] = [];
  const delivered = new Map<string, string>();
  const reads: number[] = [];
  const store: HistoryStore = {
    name: "restarting",
    publishes: false,
    append: () => {
      throw new Error("Not here");
    },
    read(_channel, options) {
      const page = server.read(options);
      reads.push(page.records.length);
      if (tellsAges) return Promise.resolve(page);
      const records = page.records.map(({ offset, data }) => ({ offset, data }));
      return Promise.resolve({ ...page, records });
    },
  };
  const stream = new TopicStream({
    channel: "c",
    store,
    clock,
    timeoutMs: 1_000,
    deliver({ offset, data }) {
      heard.push(offset);
      delivered.set(`${stream.position}`, data);
    },
    delivered: (position) => delivered.get(`${position}`),
    gap: ([, offset]) => heard.push(`gap ${offset}`),
    message: ({ offset, data }) => new RecordMessage("c", offset, parse(data)),
    onError() {},
  });
  const take = ([epoch, offset]: Position) => {
    const { data } = server.kept.get(offset)!;
    stream.take([epoch, offset], new RecordMessage("c", offset, parse(data)), data.length);
  };
  return {
    clock,
    server,
    stream,
    heard,
    reads,
    take,
    /** Forgets the delivered message at an offset. */
    forget: (offset: number) => delivered.delete(`${[server.position[0], offset]}`),
    /** Other nodes append, and this one does not hear of it. */
    append(count = 1): Position {
      for (let i = 0; i < count; i++) server.append(text);
      return server.position;
    },
    /** This node hears of so many. */
    hear(count: number): void {
      for (let i = 0; i < count; i++) take(server.append(text));
    },
    async look(): Promise<void> {
      stream.catchUp();
      await microtasks(500);
    },
  };
}

const byNumber = (n: number) => `"${n}"`;

test("new epoch: messages that others published since a restart are delivered, and older ones are not delivered again", async () => {
  const { server, stream, heard, append, hear, look } = scene();
  await stream.start();
  hear(3);
  append(); // kept, and never heard of here
  server.restart(0, 0);
  append(2);
  await look();
  hear(1);
  assertEquals(heard, [1, 2, 3, "gap 3", 4, 5, 6, 7]);
});

test("new epoch: a store that has lost all delivers all that it has since, where the messages differ", async () => {
  const { server, stream, heard, append, hear, look } = scene({ text: byNumber });
  await stream.start();
  hear(3);
  server.restart(Infinity, 0);
  append(2);
  await look();
  assertEquals(heard, [1, 2, 3, "gap 0", 1, 2]);
});

test("new epoch: equal messages are distinguished by their age, and in doubt not delivered", async () => {
  for (const [ms, expected] of [[900, [1, 2, 3, "gap 2"]], [1_100, [1, 2, 3, "gap 0", 1, 2]]] as const) {
    const { clock, server, stream, heard, append, hear, look } = scene();
    await stream.start();
    hear(3);
    server.restart(Infinity, 0);
    clock.advance(ms);
    append(2);
    clock.advance(10_000);
    await look();
    assertEquals(heard, [...expected]);
  }
});

test("new epoch: if a store does not tell ages, live messages and different ones are new", async () => {
  const alike = scene({ tellsAges: false });
  await alike.stream.start();
  alike.hear(3);
  alike.server.restart(Infinity, 0);
  alike.append(3);
  await alike.look();
  alike.hear(1);
  assertEquals(alike.heard, [1, 2, 3, "gap 3", 4]);
  const other = scene({ tellsAges: false, text: byNumber });
  await other.stream.start();
  other.hear(3);
  other.server.restart(1, 0);
  other.append(2);
  await other.look();
  assertEquals(other.heard, [1, 2, 3, "gap 2", 3, 4]);
  const fresh = scene({ tellsAges: false });
  fresh.append(3); // before this node came
  await fresh.stream.start();
  fresh.server.restart(Infinity, 0);
  fresh.append();
  fresh.take(fresh.append());
  await fresh.look();
  assertEquals(fresh.heard, ["gap 1", 2]);
});

test("new epoch: a message that is published again with its id is not taken for a new one", async () => {
  const { server, stream, heard, append, hear, look, take, forget } = scene({ text: byNumber });
  await stream.start();
  hear(3);
  forget(3);
  server.restart(0, 0);
  take([server.position[0], 2]);
  append();
  await look();
  assertEquals(heard, [1, 2, 3, "gap 3", 4]);
});

test("new epoch: if a schema changes a message each time, its data prove nothing about delivered messages", async () => {
  let parsed = 0;
  const { server, stream, heard, append, hear, look } = scene({
    text: byNumber,
    parse: (data) => `[${data},${++parsed}]`,
  });
  await stream.start();
  hear(3);
  server.restart(0, 0);
  append();
  await look();
  assertEquals(heard, [1, 2, 3, "gap 3", 4]);
});

test("new epoch: a client that reconnected and was ahead of the others gets no message twice", async () => {
  const { server, stream, heard, append, hear, look } = scene();
  await stream.start();
  hear(3);
  append(2);
  stream.shown(["epoch 1", 3], server.read({ since: ["epoch 1", 3] })); // read for a client that has come back
  server.restart(0, 0);
  append();
  await look();
  assertEquals(heard, [1, 2, 3, "gap 5", 6]);
});

test("new epoch: a client that came from another node with more messages than the others gets none twice", async () => {
  for (const since of [["epoch 1", 5], ["epoch 0", 5]] as const) { // it has all: from its page, it gets none
    const { server, stream, heard, append, hear, look } = scene();
    await stream.start();
    hear(3);
    append(2);
    const page = server.read({ since });
    assertEquals(stream.shown(since, { ...page, records: [] }).position, ["epoch 1", 5]);
    server.restart(0, 0);
    append();
    await look();
    assertEquals(heard, [1, 2, 3, "gap 5", 6]);
  }
});

test("new epoch: a position that was made up hides no message", async () => {
  const { server, stream, heard, append, hear, look } = scene();
  await stream.start();
  hear(3);
  append(2);
  stream.shown(["epoch 1", 6], server.read({ since: ["epoch 1", 6] }));
  server.restart(0, 0);
  append();
  await look();
  assertEquals(heard, [1, 2, 3, "gap 3", 4, 5, 6]);
});

test("new epoch: where the end of a long history was lost it is looked for from its end, not read as a whole", async () => {
  const { server, stream, heard, reads, append, hear, look } = scene({ text: byNumber });
  await stream.start();
  hear(900);
  server.restart(100, 0);
  append(150);
  heard.length = 0;
  reads.length = 0;
  await look();
  assertEquals(heard, ["gap 800", ...Array.from({ length: 150 }, (_, i) => 801 + i)]);
  assertEquals(reads, [64, 64, 64, 64, 64, 22]);
});

test("new epoch: a client that reconnects before its node knows is told once, and gets no message twice; nor do the others", async () => {
  const server = new RestartingStore(new FakeClock(), 1_000);
  const history: HistoryStore = {
    name: "restarting",
    publishes: false,
    append: (_channel, data) => Promise.resolve(server.append(() => data)),
    read: (_channel, options) => Promise.resolve(server.read(options)),
  };
  await using node = await createNode(undefined, { history });
  const stayed: number[] = [], recoveries: boolean[] = [];
  const sub = (await node.member()).subscribe("log/x", ({ n }) => stayed.push(n), {
    onRecovery: ({ recovered }) => recoveries.push(recovered),
  });
  await sub.ready;
  for (const n of [1, 2, 3]) await node.hub.publish("log/x", { n });
  const [epoch, offset] = server.append(() => '{"n":4}'); // on another node, where the client has been
  server.restart(0, 0);
  server.append(() => '{"n":5}');
  const raw = await rawClient(node.loopback.client());
  raw.say(["sub", 1, "log/x", { since: [epoch, offset] }]);
  await waitFor(() => raw.heard.some(([kind]) => kind === "res"), { what: "the answer" });
  await node.hub.publish("log/x", { n: 6 });
  await waitFor(() => stayed.length === 6, { what: "the last" });
  assertEquals([stayed, recoveries], [[1, 2, 3, 4, 5, 6], [false]]);
  await waitFor(() => raw.heard.some(([kind, , at]) => kind === "rec" && at === 6), { what: "the last" });
  assertEquals(raw.heard.filter(([kind]) => kind === "gap" || kind === "rec" || kind === "res"), [
    ["res", 1, { position: [server.position[0], 5], recovered: false }],
    ["rec", "log/x", 6, { n: 6 }],
  ]);
});
