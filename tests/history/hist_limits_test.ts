/** The requests of a client to a history, and the limits of one answer, one link and one node. */
import { assert, assertEquals } from "@std/assert";
import {
  createHub,
  createMemoryHistory,
  defineContract,
  type HubError,
  type HubOptions,
} from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { codeOf, microtasks, type RawClient, rawClient } from "../hub/wires.ts";
import { createNode } from "../hub/chat.ts";
import { laterStore } from "./later_store.ts";
import { slowLinks } from "./slow_links.ts";

const contract = defineContract({
  shared: {
    topics: {
      "log/:name": { payload: z.string().optional(), history: { size: 3_000 } },
      plain: { payload: z.string() },
    },
  },
  roles: { member: {} },
});
type Options = Partial<HubOptions<(typeof contract)["definition"], { id: string } | undefined, undefined>>;

/** A node whose clock stands still, with records in "log/a". */
async function node(records: readonly (string | undefined)[], options: Options = {}) {
  const loopback = createLoopbackTransport();
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const refusals: string[] = [];
  const hub = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    transports: [loopback],
    clock,
    heartbeatMs: 1e9,
    onError: (error, { stage }) => void (stage === "refused" ? refusals : errors).push(String(error)),
    ...options,
    limits: { handshakeTimeoutMs: 1e9, ...options.limits },
  });
  await hub.ready;
  for (const record of records) await hub.publish("log/a", record);
  return {
    hub,
    clock,
    errors,
    refusals,
    /** A client that subscribes to "log/a", and the answer to what it says with an id. */
    async reader() {
      const raw = await rawClient(loopback.client());
      const ask = asker(raw);
      await ask("sub", "log/a");
      return { raw, ask };
    },
    async [Symbol.asyncDispose]() {
      const closed = hub.close();
      await microtasks();
      clock.advance(1e9);
      await closed;
      assertEquals(errors, []);
    },
  };
}

interface Answer {
  readonly position: readonly [string, number];
  readonly complete: boolean;
  readonly records: readonly (readonly [offset: number, payload?: string])[];
  readonly more?: boolean;
}

/** Asks with the next id, and resolves with the output, or with the code of the error. */
function asker(raw: RawClient) {
  let lastId = 0;
  return async (...[kind, ...rest]: unknown[]): Promise<Answer | string> => {
    const id = ++lastId;
    raw.say([kind, id, ...rest]);
    const mine = () => raw.heard.find(([said, to]) => (said === "res" || said === "err") && to === id);
    await waitFor(() => mine() || raw.closed, { what: `the answer to ${kind}` });
    const message = mine();
    if (!message) return `closed with ${raw.closed!.code}`;
    return message[0] === "err" ? (message[2] as HubError).code : message[2] as Answer;
  };
}

const offsetsOf = (answer: Answer | string) => {
  assert(typeof answer === "object", String(answer));
  return answer.records.map(([offset]) => offset);
};
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Where histories are kept: by the node alone, and in a store that answers later. */
const STORES = {
  "by the node alone": () => undefined,
  "in a store": () => laterStore(createMemoryHistory()),
};

for (const [where, createHistory] of Object.entries(STORES)) {
  test(`hist: an answer has at most 64 KiB and 512 messages, says that there is more, and the rest is complete (${where})`, async () => {
    const sizes = {
      "much larger than a page": Array.from({ length: 3 }, () => "x".repeat(100_000)),
      "large after small": [...Array(16).fill("x"), ...Array(20).fill("x".repeat(9_000))],
      "small after large": [...Array(20).fill("x".repeat(9_000)), ...Array(16).fill("x")],
      "tiny": Array(1_100).fill("x"),
      "none at all": Array(1_100).fill(undefined),
    };
    for (const [what, records] of Object.entries(sizes)) {
      await using scene = await node(records, { history: createHistory() });
      const { ask, raw } = await scene.reader();
      const { epoch } = await scene.hub.position("log/a");
      const got: number[] = [];
      let more = true;
      while (more) {
        const answer = await ask("hist", "log/a", { since: [epoch, got.at(-1) ?? 0] }) as Answer;
        const offsets = offsetsOf(answer);
        const length = JSON.stringify(answer.records).length;
        assert(offsets.length > 0 && offsets.length <= 512, `${what}: ${offsets.length} at once`);
        assert(offsets.length === 1 || length < 80 * 1024, `${what}: ${length} of ${offsets.length} at once`);
        got.push(...offsets);
        more = answer.more === true;
        assertEquals(more, got.at(-1)! < records.length, what);
        assertEquals([answer.complete, answer.position], [true, [epoch, records.length]]);
      }
      assertEquals(got, range(1, records.length), what);
      const newest = await ask("hist", "log/a", { reverse: true }) as Answer;
      const back = offsetsOf(newest);
      assertEquals(back, range(records.length - back.length + 1, records.length).reverse(), what);
      assertEquals(newest.more, true, `${what}: the oldest are left`);
      raw.leave();
    }
  });

  test(`hist: requests above the rate are refused, and allowed again with time (${where})`, async () => {
    const limits = { recoveryBurst: 10, messagesPerSecond: 5 };
    await using scene = await node(Array(8).fill("x"), { history: createHistory(), limits });
    const [one, other] = [await scene.reader(), await scene.reader()];
    assertEquals(offsetsOf(await one.ask("hist", "log/a")), range(1, 8));
    assertEquals(offsetsOf(await one.ask("hist", "log/a")), range(1, 8)); // there was room for one
    for (const options of [{}, { limit: 1 }, { limit: 0 }, { last: 1 }]) {
      assertEquals(await one.ask("hist", "log/a", options), "RATE_LIMITED");
    }
    assertEquals(offsetsOf(await other.ask("hist", "log/a")), range(1, 8)); // each for itself
    scene.clock.advance(1_200); // 6 of them: from -6 to 0
    assertEquals(await one.ask("hist", "log/a"), "RATE_LIMITED");
    scene.clock.advance(200);
    assertEquals(offsetsOf(await one.ask("hist", "log/a")), range(1, 8));
    assertEquals(scene.hub.stats().connections, 2);
  });
}

test("hist: asking counts as any message does, and a flood of it ends the link", async () => {
  await using scene = await node(["x"], { limits: { messagesPerSecond: 1, messageBurst: 4 } });
  const { raw, ask } = await scene.reader(); // and one of the burst is used
  for (let i = 0; i < 3; i++) assertEquals(offsetsOf(await ask("hist", "log/a")), [1]);
  assertEquals(await ask("hist", "log/a"), "RATE_LIMITED");
  raw.say(...Array.from({ length: 5 }, (_, i) => ["hist", 100 + i, "log/a"]));
  await waitFor(() => raw.closed, { what: "the end" });
  assertEquals([raw.closed!.code, scene.refusals.length], [4005, 1]);
});

test("hist: four requests of one link are read at the same time, and no more may wait than it may have topics", async () => {
  const history = laterStore(createMemoryHistory());
  await using scene = await node(["x"], { history, limits: { maxSubscriptions: 10 } });
  const { raw } = await scene.reader();
  history.state = "hangs";
  raw.say(...range(2, 13).map((id) => ["hist", id, "log/a", { reverse: true, limit: id }]));
  await waitFor(() => history.waiting > 0, { what: "the reads" });
  await microtasks();
  assertEquals(history.waiting, 4);
  assertEquals(
    raw.heard.filter(([kind]) => kind === "err").map(([, id, error]) => [id, (error as HubError).code]),
    [
      [12, "RATE_LIMITED"],
      [13, "RATE_LIMITED"],
    ],
  );
  history.release();
  await waitFor(() => raw.heard.filter(([kind, id]) => kind === "res" && id !== 1).length === 10, {
    what: "the pages",
  });
  raw.say(["hist", 14, "log/a"]);
  await waitFor(() => raw.heard.some(([kind, id]) => kind === "res" && id === 14), { what: "room again" });
});

test("hist: nothing is read for a full link, and its connection stays open", async () => {
  const links = slowLinks();
  const history = laterStore(createMemoryHistory());
  await using _scene = await node(Array(100).fill("x".repeat(10_000)), { history, transports: [links] });
  const lazy = links.connect();
  await waitFor(() => lazy.heard.length > 0, { what: "the welcome" });
  lazy.say(["sub", 1, "log/a"], ...range(2, 90).map((id) => ["hist", id, "log/a", { reverse: true }]));
  await waitFor(() => lazy.unread > 256 * 1024, { what: "its link to be full" });
  await microtasks();
  await microtasks(1_000);
  assert(history.reads < 20, `${history.reads} reads`);
  assert(lazy.mostUnread < 1024 * 1024, `${lazy.mostUnread}`);
  await waitFor(() => {
    lazy.read(Infinity);
    return lazy.heard.filter(([kind]) => kind === "res").length === 90;
  }, { what: "all of it" });
  assertEquals(lazy.closed, undefined);
});

test("hist: a malformed request ends the link; an invalid one is an error that repeats no long name", async () => {
  await using scene = await node(["x", "y"]);
  const { epoch } = await scene.hub.position("log/a");
  const breaches = [
    ...[-1, 1.5, "1", null, 2 ** 53, []].map((limit) => ({ limit })),
    ...[0, -1, 1.5, "1", true].flatMap((value) => [{ last: value }, { withinMs: value }]),
    ...[[epoch], [epoch, -1], [epoch, 1, 2], [1, 1], { epoch, offset: 1 }, epoch].map((since) => ({ since })),
    ...[1, "true", null].map((reverse) => ({ reverse })),
    null,
    [],
    "x",
  ];
  for (const breach of breaches) {
    const { ask } = await scene.reader();
    assertEquals(await ask("hist", "log/a", breach), "closed with 4500", JSON.stringify(breach));
  }
  const { raw, ask } = await scene.reader();
  const long = "log/" + "x".repeat(100_000);
  const refused: readonly (readonly [string, string, unknown?])[] = [
    ["FORBIDDEN", "log/b"],
    ["FORBIDDEN", "nothing/of/the/kind"],
    ["FORBIDDEN", "__proto__"],
    ["FORBIDDEN", ""],
    ["FORBIDDEN", long],
    ["BAD_REQUEST", "log/a", { since: [epoch, 1], last: 1 }],
    ["BAD_REQUEST", "log/a", { withinMs: 1, last: 1 }],
  ];
  for (const [code, topic, options] of refused) {
    assertEquals(await ask("hist", topic, ...options ? [options] : []), code, topic.slice(0, 20));
  }
  await ask("sub", "plain");
  assertEquals(await ask("hist", "plain"), "NOT_FOUND");
  for (const message of raw.heard) assert(JSON.stringify(message).length < 1_000, "no long name comes back");
  const odd: readonly (readonly [unknown, number[], boolean?])[] = [
    [{ limit: 0 }, []],
    [{ limit: Number.MAX_SAFE_INTEGER, junk: {} }, [1, 2]],
    [{ last: Number.MAX_SAFE_INTEGER }, [1, 2]],
    [{ withinMs: Number.MAX_SAFE_INTEGER, reverse: true }, [2, 1]],
    [{ last: 1, reverse: true, limit: 5 }, [2]],
    [{ since: [epoch, 2] }, []],
    [{ since: [epoch, Number.MAX_SAFE_INTEGER] }, [1, 2], false],
    [{ since: ["", 0] }, [1, 2], false],
  ];
  for (const [options, offsets, complete = true] of odd) {
    const answer = await ask("hist", "log/a", options) as Answer;
    assertEquals([offsetsOf(answer), answer.complete, answer.more], [offsets, complete, undefined]);
  }
});

test("hist: a wrong query is an error at the call of the client, and says nothing to the server", async () => {
  await using node = await createNode();
  const client = await node.member();
  const sub = client.subscribe("log/x", () => {});
  await sub.ready;
  const wrongs: readonly (readonly [unknown, string])[] = [
    [{ limit: -1 }, "RangeError"],
    [{ limit: 0.5 }, "RangeError"],
    [{ limit: NaN }, "RangeError"],
    [{ limit: "1" }, "TypeError"],
    [{ reverse: 1 }, "TypeError"],
    [{ since: 1 }, "TypeError"],
    [{ since: { epoch: "", offset: 1 } }, "TypeError"],
    [{ since: { epoch: "e", offset: -1 } }, "RangeError"],
    [{ last: 1 }, "TypeError"],
    [null, "TypeError"],
  ];
  for (const [query, error] of wrongs) {
    const code = await codeOf(() => sub.history(query as never));
    assert(code.includes(error), `${JSON.stringify(query)}: ${code}`);
  }
  assertEquals([node.errors, node.refusals, client.status], [[], [], "open"]);
});
