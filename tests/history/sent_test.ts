import { assert, assertEquals } from "@std/assert";
import {
  createEmitter,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryHistory,
  HubError,
} from "@trunkline/hub";
import type { HistoryStore } from "@trunkline/hub/adapters/history-store";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, createNode, type Node } from "../hub/chat.ts";
import { testOnAdapters } from "../hub/cluster.ts";
import { codeOf, microtasks, rejection, turn } from "../hub/wires.ts";
import { Random } from "../load/random.ts";
import { laterStore } from "./later_store.ts";
import { type Attempt, unsureStore } from "./unsure_store.ts";

/** Follows a topic. */
async function follow(node: Node) {
  const heard: number[] = [], offsets: number[] = [];
  const client = await node.member();
  const sub = client.subscribe("log/x", ({ n }, { offset }) => void (heard.push(n), offsets.push(offset!)));
  await sub.ready;
  return { heard, offsets };
}

/** A store whose appends a test decides about. */
function storeWith(append: HistoryStore["append"]): HistoryStore {
  const memory = createMemoryHistory();
  return { name: "odd", publishes: false, append, read: (channel, options) => memory.read(channel, options) };
}

/** Lets time pass until something has come to its end. */
async function passing(clock: FakeClock, work: Promise<unknown>): Promise<void> {
  let settled = false;
  work.finally(() => settled = true);
  await waitFor(() => {
    clock.advance(1_000);
    return settled;
  }, { what: "the end of it" });
}

/** As many messages as the history keeps. */
const MANY = 8;

/** For hubs whose clock is moved by hand. */
const STILL = { heartbeatMs: 1e9, limits: { handshakeTimeoutMs: 1e9 } };

test("sent: the publisher is told what the store says of a message; without an answer nothing is claimed", async () => {
  const refusals: readonly [thrown: unknown, code: string][] = [
    [new HubError("UNAVAILABLE", "The engine said no"), "UNAVAILABLE"],
    [new HubError("UNCERTAIN", "The link broke"), "UNCERTAIN"],
    [new HubError("TOO_LARGE", "More than the engine takes"), "TOO_LARGE"],
    [new Error("ECONNRESET of redis://:hunter2@host"), "UNCERTAIN"],
    [undefined, "UNCERTAIN"],
  ];
  for (const [thrown, code] of refusals) {
    for (const later of [false, true]) {
      const history = storeWith(() => {
        if (later) return Promise.reject(thrown);
        throw thrown;
      });
      await using node = await createNode(undefined, { history });
      const error = await rejection(node.hub.publish("log/x", { n: 1 }));
      assertEquals([error.code, error.message.includes("hunter2")], [code, false]);
      assertEquals(error.cause, code === "UNCERTAIN" && !(thrown instanceof HubError) ? thrown : undefined);
    }
  }
});

test("sent: a store that does not answer in time is an error in time, and may still say that it has sent nothing", async () => {
  for (const sent of [true, false]) {
    const clock = new FakeClock();
    const history = storeWith((_channel, _data, { signal }) =>
      new Promise((_, reject) => {
        if (sent) return;
        signal!.addEventListener("abort", () => reject(new HubError("UNAVAILABLE", "It was not sent")));
      })
    );
    await using node = await createNode(undefined, { ...STILL, clock, history, backplaneTimeoutMs: 300 });
    const code = codeOf(() => node.hub.publish("log/x", { n: 1 }));
    clock.advance(299);
    assertEquals(await Promise.race([code, microtasks().then(() => "nothing")]), "nothing");
    clock.advance(1);
    assertEquals(await code, sent ? "UNCERTAIN" : "UNAVAILABLE");
    await passing(clock, node.hub.close());
  }
});

test("sent: an id that cannot be one is refused at the call, and so is one where nothing knows which were there", async () => {
  for (const history of [undefined, createMemoryHistory()]) {
    await using node = await createNode(undefined, { history });
    const publish = (id: unknown) => node.hub.publish("log/x", { n: 1 }, { id: id as string });
    for (const id of ["", "x".repeat(257), "half \ud83d of a pair", 7, null]) {
      const error = await rejection(publish(id));
      assert(error instanceof TypeError && /id of publish/.test(error.message), String(error));
    }
    assertEquals((await publish("x".repeat(256))).offset, 1);
    assertEquals((await publish("\u{1f600}")).offset, 2);
    assertEquals((await node.hub.history("log/x")).records.length, 2);
    const plain = node.hub.publish as unknown as (topic: string, payload: unknown, options: object) => void;
    const error = await rejection((async () => await plain("stats", { n: 1 }, { id: "a" }))());
    assert(error instanceof TypeError && /"stats" with an id/.test(error.message), String(error));
  }
});

testOnAdapters(
  "sent: of two messages with one id the first is stored, and all listeners get that one",
  async (start) => {
    const history = laterStore(createMemoryHistory());
    await using cluster = await start(2, { history });
    const [a, b] = cluster.nodes;
    const [here, there] = [await follow(a!), await follow(b!)];
    history.state = "hangs"; // the second is published before the first is answered, on both nodes
    const publishing = [a!, a!, b!, b!].map(({ hub }, n) => hub.publish("log/x", { n }, { id: "order 7" }));
    history.release();
    const positions = await Promise.all(publishing);
    for (const position of positions) assertEquals(position, positions[0]);
    const next = await b!.hub.publish("log/x", { n: 9 });
    assertEquals([positions[0]!.offset, next.offset], [1, 2]);
    for (const { heard, offsets } of [here, there]) {
      await waitFor(() => heard.length === 2, { what: "both messages" });
      assertEquals([heard, offsets], [[0, 9], [1, 2]]);
    }
  },
);

test("sent: a message with an id is not read back if the store says that it is new; otherwise one read serves many", async () => {
  for (const tellsKnown of [true, false]) {
    const history = laterStore(createMemoryHistory());
    await using node = await createNode(undefined, { history: { ...history, tellsKnown } });
    const { heard } = await follow(node);
    const ids = Array.from({ length: MANY }, (_, n) => `${n}`);
    const publishAll = (from: number) =>
      Promise.all(ids.map((id, n) => node.hub.publish("log/x", { n: from + n }, { id })));
    const before = history.reads;
    const first = await publishAll(0);
    await waitFor(() => heard.length === MANY, { what: "all of them" });
    const reads = history.reads - before;
    if (tellsKnown) assertEquals(reads, 0);
    else assert(reads <= 3, `${reads} reads`);
    assertEquals(await publishAll(100), first);
    await microtasks();
    assertEquals(heard, ids.map(Number));
    assertEquals(history.reads - before, reads, "what is delivered is not asked for");
  }
});

test("sent: messages that were stored without an answer are delivered as they were stored, with one read for many", async () => {
  const memory = createMemoryHistory();
  const history = laterStore(memory);
  await using node = await createNode(undefined, { history });
  const { heard } = await follow(node);
  const before = history.reads;
  const options = { size: MANY, ttlMs: Infinity };
  for (let n = 0; n < MANY; n++) {
    memory.append("topic:log/x", JSON.stringify({ n }), { ...options, idempotencyKey: `${n}` });
  }
  await Promise.all(
    Array.from({ length: MANY }, (_, n) => node.hub.publish("log/x", { n: 100 + n }, { id: `${n}` })),
  );
  await waitFor(() => heard.length === MANY, { what: "all of them" });
  assertEquals(heard, Array.from({ length: MANY }, (_, n) => n));
  assert(history.reads - before <= 3, `${history.reads - before} reads`);
});

test("sent: while the hub drains messages are taken; once it is closed they are refused, and nothing is left behind", async () => {
  for (const history of [undefined, createMemoryHistory()]) {
    const clock = new FakeClock();
    await using node = await createNode(undefined, { ...STILL, clock, history });
    await node.member();
    const closing = node.hub.close({ drainMs: 10_000 });
    assertEquals((await node.hub.publish("log/x", { n: 1 }, { id: "a" })).offset, 1);
    await passing(clock, closing);
    const error = await rejection(node.hub.publish("log/x", { n: 1 }, { id: "a" }));
    assertEquals([error.code, /the hub is closed/.test(error.message)], ["UNAVAILABLE", true]);
    assertEquals(node.hub.stats().histories, 0);
  }
});

testOnAdapters(
  "sent: a hub that closes before its store answers says so soon, and another node gives the answer",
  async (start) => {
    const history = laterStore(createMemoryHistory());
    await using cluster = await start(2, { history, backplaneTimeoutMs: 2 ** 31 - 1 });
    const [a, b] = cluster.nodes;
    history.state = "hangs";
    const published = codeOf(() => a!.hub.publish("log/x", { n: 1 }, { id: "order 7" }));
    await a!.hub.close();
    assertEquals(await published, "UNCERTAIN");
    history.release();
    assertEquals((await b!.hub.publish("log/x", { n: 1 }, { id: "order 7" })).offset, 1);
    assertEquals((await b!.hub.history("log/x")).records.length, 1);
  },
);

test("sent: if the store of an emitter was never open, it says in time that certainly nothing was stored", async () => {
  for (const how of ["late", "closed", "refused", "no backplane"] as const) {
    const clock = new FakeClock();
    const memory = createMemoryHistory();
    const opened = Promise.withResolvers<void>();
    const history: HistoryStore = {
      name: "slow",
      publishes: false,
      open: () => opened.promise,
      append: (channel, data, options) => memory.append(channel, data, options),
      read: (channel, options) => memory.read(channel, options),
    };
    const adapter = createMemoryAdapter({ bus: createMemoryBus() });
    await using emitter = createEmitter(chat, { adapter, history, clock, onError: () => {} });
    if (how !== "no backplane") await microtasks();
    const code = codeOf(() => emitter.publish("log/x", { n: 1 }));
    if (how === "closed") void emitter.close();
    if (how === "refused") opened.reject(new Error("wrong password"));
    else clock.advance(10_000);
    assertEquals(await code, "UNAVAILABLE", how);
    opened.resolve();
    await turn();
    assertEquals(memory.read("topic:log/x").position[1], 0);
  }
});

testOnAdapters(
  "sent: with lost and late messages on three nodes, a message is stored and delivered once, at the position of every answer",
  async (start) => {
    for (const seed of [1, 2, 3, 4]) {
      const random = new Random(seed);
      const attempts: Attempt[] = [];
      const history = unsureStore(createMemoryHistory(), random, attempts);
      await using cluster = await start(3, { history });
      const followers = await Promise.all(cluster.nodes.map((node) => follow(node)));
      const positions = new Map<number, string[]>();
      /** Publishes until a node confirms that it is stored, sometimes twice at once, on any node. */
      const publish = async (n: number) => {
        const answers: string[] = [];
        positions.set(n, answers);
        while (answers.length === 0) {
          const tries = Array.from({ length: 1 + random.below(2) }, () => random.pick(cluster.nodes));
          await Promise.all(tries.map(async ({ hub }) => {
            try {
              const { epoch, offset } = await hub.publish("log/x", { n }, { id: `m${n}` });
              answers.push(`${epoch} ${offset}`);
            } catch (error) {
              const { code } = error as HubError;
              assert(code === "UNAVAILABLE" || code === "UNCERTAIN", String(error));
            }
          }));
        }
      };
      let n = 0;
      for (let round = 0; round < 20; round++) {
        const node = random.pick(cluster.nodes);
        if (random.oneIn(2)) node.tap.cut();
        await Promise.all(Array.from({ length: 1 + random.below(3) }, () => publish(++n)));
        node.tap.heal();
        // No more is missed than the history keeps.
        await publish(++n);
        await publish(++n);
        await waitFor(async () => {
          if (followers.every(({ heard }) => heard.length === n)) return true;
          // The last may be lost on its way; another one with its id brings it, and is not heard.
          for (const { hub } of cluster.nodes) {
            await hub.publish("log/x", { n }, { id: `m${n}` }).catch(() => {});
          }
          return false;
        }, { what: `all ${n} messages of seed ${seed}` });
      }
      for (const { heard, offsets } of followers) {
        assertEquals(offsets, offsets.map((_, i) => i + 1), `seed ${seed}`);
        assertEquals(heard, followers[0]!.heard, `seed ${seed}`);
      }
      const { heard } = followers[0]!;
      assertEquals(new Set(heard).size, n, `seed ${seed}`);
      const { epoch } = await cluster.nodes[0]!.hub.position("log/x");
      for (const [message, answers] of positions) {
        for (const answer of answers) {
          assertEquals(answer, `${epoch} ${heard.indexOf(message) + 1}`, `seed ${seed}, message ${message}`);
        }
      }
      for (const fate of ["refused", "lost", "unanswered", "late"] as const) {
        assert(attempts.some((attempt) => attempt.fate === fate), `seed ${seed}: nothing was ${fate}`);
      }
    }
  },
);

test("sent: a message that was stored without an answer reaches the subscribers of its node at once, or when the store is back", async () => {
  for (const isDown of [false, true]) {
    const clock = new FakeClock();
    const memory = createMemoryHistory({ clock });
    const history = laterStore(memory);
    const { append } = history;
    history.append = async (...given) => {
      await append(...given);
      if (isDown) history.state = "down";
      throw new HubError("UNCERTAIN", "The link broke");
    };
    await using node = await createNode(undefined, { ...STILL, clock, history });
    const { heard, offsets } = await follow(node);
    assertEquals(await codeOf(() => node.hub.publish("log/x", { n: 1 })), "UNCERTAIN");
    await microtasks();
    assertEquals(heard, isDown ? [] : [1]);
    if (isDown) {
      clock.advance(1_000); // no node checks by itself before 10 seconds are over
      history.state = "up";
      await waitFor(() => {
        clock.advance(100);
        return heard.length > 0;
      }, { what: "the message" });
      assert(clock.now() < 10_000, `${clock.now()} ms`);
    }
    assertEquals([heard, offsets], [[1], [1]]);
    await passing(clock, node.hub.close());
  }
});

test("sent: the store is not asked about messages that are certainly not stored", async () => {
  const history = laterStore(createMemoryHistory());
  history.append = () => Promise.reject(new HubError("UNAVAILABLE", "The engine said no"));
  await using node = await createNode(undefined, { history });
  await follow(node);
  const { reads } = history;
  assertEquals(await codeOf(() => node.hub.publish("log/x", { n: 1 })), "UNAVAILABLE");
  await microtasks();
  assertEquals(history.reads, reads);
});
