import { assert, assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import { turn } from "../hub/wires.ts";
import { settledHeapBytes } from "../soak/heap.ts";
import { Ledger, Listener } from "./ledger.ts";
import type { LoadClient } from "./load_client.ts";
import { CODECS, empty, type LoadHubOptions, type LoadNode, type Mark, startNode } from "./scene.ts";

const QUICK = 60;
/** Of the quick ones, so many are also sent what makes the slow ones slow. */
const QUICK_IN_BULK = 5;
const SLOW = 10;
const STUCK = 10;
const outbox = { maxMessages: 100, maxBytes: 512 * 1024, highWaterBytes: 64 * 1024 };
/** How far a queue may go for a moment: the guide says eight times. */
const MOMENT = 8;
/** More than the kernel takes for a connection that does not read, which has been seen to be 4.4 MB. */
const BULK_BYTES = 8 * 2 ** 20;
const FILL = "x".repeat(24 * 1024);
const ROUNDS = 75;
const BURST = 25;
/** The memory of code, socket pools and the like. A single stuck connection would keep much more. */
const SLACK_BYTES = 4 * 2 ** 20;

/** For machines that do much else at the time. */
const TIMES = { timeoutMs: 60_000 };

interface Crowd {
  readonly ledger: Ledger;
  readonly quick: Listener[];
  readonly slow: Listener[];
  readonly stuck: Listener[];
  readonly clients: Map<Listener, LoadClient>;
}

/** Connects all clients. The stuck ones do not read from here on, and the slow ones read little. */
async function gather(node: LoadNode): Promise<Crowd> {
  const ledger = new Ledger();
  const clients = new Map<Listener, LoadClient>();
  const connect = async (count: number, bulk: number, role: string) => {
    const opened = await node.openMany(count, (i) => ({ role, codec: CODECS[i % 2] }));
    return await Promise.all(opened.map(async (client, i) => {
      const listener = new Listener(client.id, 0, ["all", "latest/x", ...(i < bulk ? ["bulk"] : [])]);
      ledger.listeners.push(listener);
      clients.set(listener, client);
      client.onMessage = (mark) => listener.take(mark as Mark);
      await node.hub.room("all").add(client);
      if (i < bulk) await node.hub.room("bulk").add(client);
      return listener;
    }));
  };
  const crowd = {
    ledger,
    clients,
    quick: await connect(QUICK, QUICK_IN_BULK, "member"),
    slow: await connect(SLOW, SLOW, "guest"),
    stuck: await connect(STUCK, STUCK, "guest"),
  };
  for (const listener of crowd.slow) clients.get(listener)!.crawl(20);
  for (const listener of crowd.stuck) clients.get(listener)!.pause();
  return crowd;
}

/** Publishes until the queues of clients that do not read are full, and then much more. Returns the largest amount held. */
async function publish({ hub }: LoadNode, { ledger }: Crowd, rounds: number): Promise<number> {
  let most = 0;
  const say = (room: string, fill?: string) => {
    const mark = ledger.mark(0, room, fill);
    ledger.note(mark, ({ channels }) => channels.has(room));
    hub.room(room).broadcast("note", mark);
  };
  const look = async () => {
    most = Math.max(most, hub.stats().held);
    await turn();
    most = Math.max(most, hub.stats().held);
  };
  for (let bytes = 0; bytes < BULK_BYTES; bytes += FILL.length) {
    say("bulk", FILL);
    await look();
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < BURST; i++) say("all");
    await look();
  }
  return most;
}

/** Runs one crowd on a node, and looks that nothing is left of it, in the counts and in the heap. */
async function withCrowd(
  options: LoadHubOptions,
  fn: (node: LoadNode, codes: ReadonlyMap<string, number>) => Promise<void>,
): Promise<void> {
  const codes = new Map<string, number>();
  await using node = await startNode(undefined, {
    limits: { outbox },
    ...options,
    onDisconnect: ({ id }, { code }) => void codes.set(id, code),
  });
  const run = async () => {
    await fn(node, codes);
    codes.clear();
    await node.leave();
    await empty(node);
    assertEquals(node.errors, []);
  };
  await run(); // as large as the one that counts: what engines keep for themselves is there by then
  const before = await settledHeapBytes();
  await run();
  let grown = Infinity;
  // A conservative collector takes every value that looks like a pointer for one: other code must run meanwhile.
  await waitFor(async () => (grown = await settledHeapBytes() - before) < SLACK_BYTES, {
    what: "the heap to shrink",
  })
    .catch(() => {});
  assert(grown < SLACK_BYTES, `the heap grew by ${grown} bytes`);
}

const checkQuick = async ({ quick, clients }: Crowd) => {
  await waitFor(() => quick.every(({ count, expected }) => count >= expected.length), {
    what: "the quick ones to have everything",
    timeoutMs: 10_000,
  }).catch(() => {}); // what is missing is said below
  for (const listener of quick) listener.check();
  assertEquals(quick.filter((listener) => clients.get(listener)!.closed !== undefined), []);
};

test(
  "promise 8 under load: clients that do not read are closed with 4002, and clients that read lose nothing",
  async () => {
    await withCrowd({}, async (node, codes) => {
      const crowd = await gather(node);
      const { slow, stuck, quick, clients } = crowd;
      const most = await publish(node, crowd, ROUNDS);
      await checkQuick(crowd);
      assert(most > 0 && most <= (slow.length + stuck.length) * MOMENT * outbox.maxMessages, `${most} held`);
      await waitFor(() => node.hub.stats().connections <= quick.length + slow.length, {
        what: "the stuck ones to be closed",
      });
      for (const listener of [...slow, ...stuck]) clients.get(listener)!.resume();
      await waitFor(() => stuck.every((listener) => clients.get(listener)!.closed !== undefined), {
        what: "the stuck ones to learn of it",
      });
      for (const { id } of stuck) assertEquals(codes.get(id), 4002);
      await waitFor(() => node.hub.stats().held === 0, { what: "nothing to be held" });
      for (const listener of [...slow, ...stuck]) {
        const code = codes.get(listener.id);
        if (code === undefined) await waitFor(() => listener.count === listener.expected.length);
        const missing = listener.checkWhatCame();
        assertEquals(code, missing.length === 0 ? undefined : 4002);
        // Nothing is left out before the end.
        assertEquals(missing, listener.expected.slice(listener.expected.length - missing.length));
      }
    });
  },
  TIMES,
);

test(
  "promise 8 under load: by policy the oldest messages of clients that do not read are dropped, and clients that read lose nothing",
  async () => {
    await withCrowd({ slowConsumer: "drop" }, async (node) => {
      const crowd = await gather(node);
      const { slow, stuck, quick, clients, ledger } = crowd;
      const most = await publish(node, crowd, ROUNDS);
      await checkQuick(crowd);
      assert(most > 0 && most <= (slow.length + stuck.length) * MOMENT * outbox.maxMessages, `${most} held`);
      await waitFor(
        () => node.hub.stats().held <= (slow.length + stuck.length) * outbox.maxMessages,
        { what: "the surplus to be dropped" },
      );
      assertEquals(node.hub.stats().connections, quick.length + slow.length + stuck.length);
      for (const listener of [...slow, ...stuck]) clients.get(listener)!.resume();
      await waitFor(() => node.hub.stats().held === 0, { what: "nothing to be held" });
      const last = ledger.mark(0, "all");
      ledger.note(last, () => true);
      node.hub.room("all").broadcast("note", last);
      const newest = (listener: Listener) => listener.lastOfHome === last.n;
      await waitFor(() => ledger.listeners.every(newest), {
        what: "all to have the last",
        timeoutMs: 10_000,
      });
      for (const listener of slow) listener.checkWhatCame();
      for (const listener of stuck) {
        const missing = listener.checkWhatCame();
        assert(missing.length > 0);
        // What is missing is one stretch: the oldest of what was held, and never the newest.
        const from = listener.expected.indexOf(missing[0]!);
        assertEquals(missing, listener.expected.slice(from, from + missing.length));
        assert(listener.expected.length - from - missing.length > outbox.maxMessages / 2);
      }
    });
  },
  TIMES,
);

test(
  "promise 8 under load: a client that did not read gets the latest value of every key, in order, when it reads again",
  async () => {
    const KEYS = 40;
    const value = FILL.slice(0, outbox.maxBytes / KEYS / 2); // the latest of all keys are within the bounds
    await withCrowd({}, async (node) => {
      const crowd = await gather(node);
      const { slow, stuck, quick, clients, ledger } = crowd;
      const listening = [...slow, ...stuck, ...quick.slice(0, QUICK_IN_BULK)];
      const values = new Map<Listener, Map<string, number>>();
      for (const listener of listening) {
        const own = new Map<string, number>();
        values.set(listener, own);
        const client = clients.get(listener)!;
        client.onMessage = (payload) => {
          const mark = payload as Mark & { key?: string };
          listener.take(mark);
          if (mark.key !== undefined) own.set(mark.key, mark.n);
        };
        client.resume();
        await client.subscribe("latest/x");
      }
      for (const listener of slow) clients.get(listener)!.crawl(20);
      for (const listener of stuck) clients.get(listener)!.pause();

      let most = 0;
      const last = new Map<string, number>();
      const count = Math.ceil(BULK_BYTES / value.length);
      for (let i = 0; i < count + ROUNDS * BURST; i++) {
        const key = String(i % KEYS);
        // Keys stop one after the other, so that the latest ones are spread over the whole of what was published.
        if (i > count && i % KEYS > 10 && i > count + (ROUNDS * BURST * (i % KEYS)) / KEYS) continue;
        const mark = ledger.mark(0, "latest/x", i < count ? value : undefined);
        ledger.note(mark, (listener) => values.has(listener));
        last.set(key, mark.n);
        node.hub.publish("latest/x", { ...mark, key });
        if (i >= count && i % 5 === 0) {
          const other = ledger.mark(0, "all");
          ledger.note(other, (listener) => quick.includes(listener));
          node.hub.forRole("member").emit("line", other);
        }
        if (i % (i < count ? 4 : BURST) === 0) {
          most = Math.max(most, node.hub.stats().held);
          await turn();
        }
      }
      assert(most > 0 && most <= listening.length * (KEYS + BURST), `${most} held`);
      for (const listener of quick.slice(QUICK_IN_BULK)) {
        await waitFor(() => listener.count === listener.expected.length);
      }
      for (const listener of quick.slice(QUICK_IN_BULK)) listener.check();
      for (const listener of [...slow, ...stuck]) clients.get(listener)!.resume();
      const isLatest = (listener: Listener) =>
        [...last].every(([key, n]) => values.get(listener)!.get(key) === n);
      await waitFor(() => listening.every(isLatest), { what: "all to have the latest", timeoutMs: 10_000 });
      for (const listener of listening) {
        const missing = listener.checkWhatCame();
        if (stuck.includes(listener)) assert(missing.length > 0);
      }
      assertEquals([...clients.values()].filter(({ closed }) => closed !== undefined), []);
      assertEquals(node.hub.stats().held, 0);
    });
  },
  TIMES,
);
