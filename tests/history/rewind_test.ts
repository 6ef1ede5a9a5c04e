import { assertEquals, assertThrows } from "@std/assert";
import { createMemoryHistory, HubError, type Recovery, type TopicMeta } from "@trunkline/hub";
import type { HistoryStore } from "@trunkline/hub/adapters/history-store";
import type { HistorySubscribeOptions } from "@trunkline/hub/client";
import type { Clock } from "../../contract/mod.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { createNode, type Member } from "../hub/chat.ts";
import { rejection } from "../hub/wires.ts";
import { laterStore } from "./later_store.ts";

/** Kept by the node alone, in a store that answers at once, in one that answers later. */
const HISTORIES: readonly [name: string, create: (clock?: Clock) => HistoryStore | undefined][] = [
  ["by the node alone", () => undefined],
  ["in a shared store", (clock) => createMemoryHistory({ clock })],
  ["in a shared store that answers later", (clock) => laterStore(createMemoryHistory({ clock }))],
];

/** Subscribes, and keeps what was heard: numbers as they came, and how the stream came back. */
function follow(client: Member, options: HistorySubscribeOptions = {}, topic: `log/${string}` = "log/x") {
  const heard: number[] = [];
  const metas: TopicMeta<true>[] = [];
  const recoveries: Recovery[] = [];
  const sub = client.subscribe(topic, ({ n }, meta) => void (heard.push(n), metas.push(meta)), {
    onRecovery: (recovery) => recoveries.push(recovery),
    ...options,
  });
  const heardAll = (count: number) => waitFor(() => heard.length >= count, { what: `${count} messages` });
  return { sub, heard, metas, recoveries, heardAll };
}

const told = (recovered: boolean) => [{ topic: "log/x", recovered }];

for (const [where, createHistory] of HISTORIES) {
  test(`rewind: the newest messages come first, in order, then the live ones (${where})`, async () => {
    await using a = await createNode(undefined, { history: createHistory() });
    let epoch = "";
    for (let n = 1; n <= 6; n++) epoch = (await a.hub.publish("log/x", { n })).epoch;
    const { sub, heard, metas, recoveries, heardAll } = follow(await a.member(), { rewind: { last: 3 } });
    await sub.ready;
    assertEquals([heard, recoveries], [[4, 5, 6], told(true)]);
    await a.hub.publish("log/x", { n: 7 });
    await heardAll(4);
    assertEquals(
      metas,
      [4, 5, 6, 7].map((offset) => ({ topic: "log/x", offset, epoch, recovered: offset < 7 })),
    );
  });

  test(`rewind: a request for more than is stored gives all that is stored, possibly nothing (${where})`, async () => {
    await using a = await createNode(undefined, { history: createHistory() });
    for (let n = 1; n <= 12; n++) await a.hub.publish("log/x", { n }); // 8 are kept
    const client = await a.member();
    const [all, none] = [
      follow(client, { rewind: { last: 100 } }),
      follow(client, { rewind: { last: 5 } }, "log/y"),
    ];
    await Promise.all([all.sub.ready, none.sub.ready]);
    assertEquals([all.heard, all.recoveries], [[5, 6, 7, 8, 9, 10, 11, 12], told(true)]);
    assertEquals([none.heard, none.recoveries], [[], [{ topic: "log/y", recovered: true }]]);
    await a.hub.publish("log/y", { n: 1 });
    await none.heardAll(1);
  });

  test(`rewind: messages of a time span before the subscribe come first (${where})`, async () => {
    const clock = new FakeClock();
    const still = { clock, heartbeatMs: 1e9, limits: { handshakeTimeoutMs: 1e9 } };
    await using a = await createNode(undefined, { ...still, history: createHistory(clock) });
    for (let n = 1; n <= 7; n++) {
      await a.hub.publish("log/x", { n });
      clock.advance(1_000);
    }
    const client = await a.member();
    for (const [sinceMs, first] of [[3_000, 5], [2_999, 6], [1, 8], [7_000, 1], [50_000, 1]] as const) {
      const { sub, heard, recoveries } = follow(client, { rewind: { sinceMs } });
      await sub.ready;
      assertEquals(heard, [1, 2, 3, 4, 5, 6, 7].filter((n) => n >= first), `the last ${sinceMs} ms`);
      assertEquals(recoveries, told(true));
      sub.unsubscribe();
    }
  });

  test(`since: a client begins where the state stood that it was given, whole and once (${where})`, async () => {
    await using a = await createNode(undefined, { history: createHistory() });
    await a.hub.publish("log/x", { n: 1 });
    const since = await a.hub.position("log/x");
    await a.hub.publish("log/x", { n: 2 });
    const { sub, heard, recoveries, heardAll } = follow(await a.member(), { since });
    await sub.ready;
    await a.hub.publish("log/x", { n: 3 });
    await heardAll(2);
    assertEquals([heard, recoveries], [[2, 3], told(true)]);
  });

  test(`since: an incomplete answer is reported, on the first subscribe too (${where})`, async () => {
    await using a = await createNode(undefined, { history: createHistory() });
    const { epoch } = await a.hub.publish("log/x", { n: 1 });
    for (let n = 2; n <= 12; n++) await a.hub.publish("log/x", { n });
    const client = await a.member();
    for (const since of [{ epoch, offset: 1 }, { epoch: "another", offset: 12 }, { epoch, offset: 99 }]) {
      const { sub, heard, recoveries } = follow(client, { since });
      await sub.ready;
      assertEquals([heard, recoveries], [[], told(false)]);
      sub.unsubscribe();
    }
  });

  test(`rewind: a later listener gets its own messages, and earlier listeners do not get these (${where})`, async () => {
    await using a = await createNode(undefined, { history: createHistory() });
    for (let n = 1; n <= 4; n++) await a.hub.publish("log/x", { n });
    const client = await a.member();
    const first = follow(client);
    await first.sub.ready;
    const second = follow(client, { rewind: { last: 2 } });
    const third = follow(client, { since: { epoch: (await a.hub.position("log/x")).epoch, offset: 1 } });
    const lost = follow(client, { since: { epoch: "another", offset: 1 } });
    const published = a.hub.publish("log/x", { n: 5 }); // while the histories are read
    await Promise.all([second, third, lost].map(({ sub }) => sub.ready));
    await published;
    await a.hub.publish("log/x", { n: 6 });
    for (const { heard } of [first, second, third]) {
      await waitFor(() => heard.at(-1) === 6, { what: "the last message" });
    }
    assertEquals([first.heard, first.recoveries], [[5, 6], []]);
    // Two of the newest: which, its subscribe decides, before or after the fifth.
    assertEquals(second.heard, [3, 4, 5, 6].slice(second.heard.length === 4 ? 0 : 1));
    assertEquals([third.heard, third.recoveries], [[2, 3, 4, 5, 6], told(true)]);
    assertEquals([second.recoveries, lost.recoveries], [told(true), told(false)]);
    assertEquals(a.clientErrors, []);
  });

  test(`rewind: a plain subscriber beside it, from before it is live, gets only live messages (${where})`, async () => {
    await using a = await createNode(undefined, { history: createHistory() });
    for (let n = 1; n <= 4; n++) await a.hub.publish("log/x", { n });
    const client = await a.member();
    const [rewinds, plain, other] = [
      follow(client, { rewind: { last: 2 } }),
      follow(client),
      follow(client, { rewind: { last: 1 } }),
    ];
    await Promise.all([rewinds, plain, other].map(({ sub }) => sub.ready));
    await a.hub.publish("log/x", { n: 5 });
    await Promise.all([rewinds.heardAll(3), plain.heardAll(1), other.heardAll(2)]);
    assertEquals([rewinds.heard, plain.heard, other.heard], [[3, 4, 5], [5], [4, 5]]);
    assertEquals(plain.recoveries, []);
  });

  test(`rewind: after a loss of the link the position takes over (${where})`, async () => {
    await using a = await createNode(undefined, { history: createHistory() });
    for (let n = 1; n <= 4; n++) await a.hub.publish("log/x", { n });
    const line = a.loopback.client();
    const client = await a.member(undefined, { transport: line });
    const one = follow(client, { rewind: { last: 2 } });
    await one.sub.ready;
    const two = follow(client, { rewind: { last: 3 } });
    await two.sub.ready;
    line.sever();
    for (let n = 5; n <= 6; n++) await a.hub.publish("log/x", { n });
    await Promise.all([one.heardAll(4), two.heardAll(5)]);
    assertEquals([one.heard, two.heard], [[3, 4, 5, 6], [2, 3, 4, 5, 6]]);
    await waitFor(() => two.recoveries.length === 2, { what: "the recovery" });
    assertEquals([one.recoveries, two.recoveries], [
      told(true).concat(told(true)),
      told(true).concat(told(true)),
    ]);
  });

  test(`history: a subscriber reads it, page by page, as the contract parses it (${where})`, async () => {
    await using a = await createNode(undefined, { history: createHistory() });
    let epoch = "";
    for (let n = 1; n <= 5; n++) epoch = (await a.hub.publish("log/x", { n })).epoch;
    const client = await a.member();
    const { sub } = follow(client);
    const records = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => ({ offset: from + i, payload: { n: from + i } }));
    const page = { epoch, last: 5, complete: true, more: false };
    assertEquals(await sub.history(), { ...page, records: records(1, 5) });
    assertEquals(await sub.history({ since: { epoch, offset: 3 } }), { ...page, records: records(4, 5) });
    assertEquals(await sub.history({ limit: 2, reverse: true }), {
      ...page,
      records: records(4, 5).reverse(),
    });
    assertEquals((await sub.history({ limit: 2 })).records, records(1, 2));
    assertEquals((await sub.history({ since: { epoch: "other", offset: 2 } })).complete, false);
    assertEquals((await sub.history({ limit: 0 })).last, 5);
    sub.unsubscribe();
    assertEquals((await rejection(sub.history())).code, "DISCONNECTED");
  });
}

test("rewind: a store without ages of messages cannot begin by time, and says what it can do", async () => {
  const memory = createMemoryHistory();
  const history: HistoryStore = {
    name: "timeless",
    publishes: false,
    append: (...given) => memory.append(...given),
    read: (...given) => {
      const page = memory.read(...given);
      return { ...page, records: page.records.map(({ offset, data }) => ({ offset, data })) };
    },
  };
  await using a = await createNode(undefined, { history });
  await a.hub.publish("log/x", { n: 1 });
  const { sub } = follow(await a.member(), { rewind: { sinceMs: 1_000 } });
  const error = await rejection(sub.ready);
  assertEquals([error.code, error.message.includes("rewind { last }")], ["UNAVAILABLE", true]);
});

test("rewind: wrong options are refused at the call, and so is a topic without history", async () => {
  await using a = await createNode();
  const client = await a.member();
  const subscribe = (options: unknown, topic = "log/x") => () =>
    (client as unknown as { subscribe(topic: string, listener: () => void, options: unknown): void })
      .subscribe(topic, () => {}, options);
  const since = { epoch: "e", offset: 1 };
  for (
    const options of [
      { since, rewind: { last: 1 } },
      { rewind: {} },
      { rewind: { last: 1, sinceMs: 1 } },
      { rewind: { first: 1 } },
      { rewind: 5 },
      { since: ["e", 1] },
    ]
  ) assertThrows(subscribe(options), TypeError);
  for (
    const options of [{ rewind: { last: 0 } }, { rewind: { sinceMs: -1 } }, {
      since: { epoch: "e", offset: -1 },
    }]
  ) {
    assertThrows(subscribe(options), RangeError);
  }
  for (const options of [{ since }, { rewind: { last: 1 } }]) {
    const error = assertThrows(subscribe(options, "stats"), HubError);
    assertEquals(error.code, "NOT_FOUND");
  }
  assertEquals(a.hub.stats().subscriptions, 0);
});
