/**
 * A server that answers may have less than the stream: a new leader for a moment, a replica for longer. What it does not
 * have is not taken for removed.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { RefusedError } from "../../../adapters/nats/history/errors.ts";
import type { LogStream } from "../../../adapters/nats/history/log_stream.ts";
import { readChannel } from "../../../adapters/nats/history/reader.ts";
import { HubError } from "../../../contract/mod.ts";
import { test } from "../../harness.ts";
import { createRandom } from "../../soak/lives.ts";
import { MemoryStream } from "./memory_stream.ts";
import { ReplicatedStream } from "./replicated_stream.ts";

const PLENTY = { size: 10_000, ttlMs: Infinity } as const;
const COUNT = 40;
const SEEDS = 100;
const ALL = Array.from({ length: COUNT }, (_, i) => i + 1);

/** A stream with messages, and a node that has written them. */
async function filled(options = PLENTY): Promise<{ stream: ReplicatedStream; writer: Node }> {
  const stream = new ReplicatedStream(() => 0);
  const writer = stream.node(() => true);
  for (const n of ALL) await writer.appender.append(`${n}`, { ...options, idempotencyKey: `k${n}` });
  return { stream, writer };
}

type Node = ReturnType<ReplicatedStream["node"]>;

/** What a node reads: the position, whether it is complete, and the offsets. */
async function read(
  { stream }: { stream: LogStream },
  { log }: Pick<Node, "log">,
  since?: number,
): Promise<unknown[]> {
  const { position, complete, records } = await readChannel(log, stream, 0, {
    ...(since !== undefined && { since: ["L.0", since] }),
  });
  return [position, complete, records.map(({ offset }) => offset)];
}

/** What is read of the whole history, and of it after the third message. */
const WHOLE = [[["L.0", COUNT], true, ALL], [["L.0", COUNT], true, ALL.slice(3)]];

async function readBoth(stream: ReplicatedStream, node: Node): Promise<unknown[]> {
  return [await read(stream, node), await read(stream, node, 3)];
}

test("nats history: what a replica does not have, or has in another way, is read from the leader", async () => {
  const { stream } = await filled();
  const other = stream.kept.map((stored, i) =>
    stream.kept[i + 1] && { ...stream.kept[i + 1]!, seq: stored.seq }
  )
    .filter((stored) => stored !== undefined);
  const foreign = stream.kept.map((stored) => ({ ...stored, subject: "another" }));
  for (const has of [[], stream.kept.slice(-1), other, foreign]) {
    stream.delivers = () => has;
    assertEquals(await readBoth(stream, stream.node(() => false)), WHOLE);
  }
});

test("nats history: a message that a new leader does not have yet is not taken for removed", async () => {
  const { stream } = await filled();
  let refused = 0;
  for (const [i, since] of [undefined, 3].entries()) {
    for (const shown of [0, 5, COUNT - 20, COUNT - 1]) {
      for (let before = 1; before <= 10; before++) {
        const reader = stream.node(() => false);
        let asked = 0;
        stream.leads = () => asked++ < before ? stream.kept : stream.kept.slice(0, shown);
        stream.delivers = stream.leads;
        try {
          assertEquals(await read(stream, reader, since), WHOLE[i]);
        } catch (error) {
          if (!(error instanceof RefusedError)) throw error;
          refused++;
        }
        stream.leads = stream.delivers = () => stream.kept;
        assertEquals(await readBoth(stream, reader), WHOLE);
      }
    }
  }
  assert(refused > 20, `${refused} reads were refused`);
});

test("nats history: a key is not kept again while a new leader does not have its message yet", async () => {
  const { stream } = await filled();
  const writer = stream.node(() => false);
  const again = () => writer.appender.append("again", { ...PLENTY, idempotencyKey: "k3" });
  let asked = 0;
  stream.leads = () => asked++ < 3 ? stream.kept : stream.kept.slice(0, 2);
  stream.delivers = stream.leads;
  const { code } = await assertRejects(again, HubError);
  assertEquals(code, "UNAVAILABLE");
  stream.leads = stream.delivers = () => stream.kept;
  assertEquals(await again(), ["L.0", 3]);
  assertEquals(stream.kept.length, COUNT);
});

test("nats history: a leader that does not have what the node knows is not believed for a while", async () => {
  for (const shown of [0, 10]) {
    const { stream, writer } = await filled();
    stream.leads = () => stream.kept.slice(0, shown);
    for (const now of [0, 5_000, 9_999]) {
      stream.now = now;
      await assertRejects(() => read(stream, writer, 3), RefusedError, "not have");
    }
    const { code } = await assertRejects(async () => {
      writer.log.doubt();
      await writer.appender.append("new", PLENTY);
    }, HubError);
    assertEquals([code, stream.rounds], ["UNAVAILABLE", 0]);
    stream.leads = () => stream.kept;
    assertEquals(await readBoth(stream, writer), WHOLE);
    // The time begins again. After it, the messages are taken for lost.
    stream.leads = () => stream.kept.slice(0, shown);
    await assertRejects(() => read(stream, writer, 3), RefusedError, "not have");
    stream.now += 10_000;
    for (let twice = 0; twice < 2; twice++) {
      assertEquals(
        await read(stream, writer, shown),
        shown ? [["L.0", shown], true, []] : [["L.1", 0], false, []],
      );
    }
  }
});

test("nats history: a leader is believed if it has newer messages than those that the node knows", async () => {
  const { stream, writer } = await filled();
  stream.kept.splice(0); // an operator has purged the topic
  stream.reached = 1_000;
  assertEquals(await read(stream, writer, 3), [["L.1", 0], false, []]);
});

test("nats history: with one replica, a node that has only heard lost messages begins a new life", async () => {
  const memory = new MemoryStream();
  const [writer, reader] = [memory.node(), memory.node()];
  await reader.log.tail(memory.stream);
  for (const n of ALL) await writer.appender.append(`${n}`, PLENTY);
  const end = memory.kept[9]!.seq;
  const restart = () => {
    memory.kept.splice(10); // a server that starts again without its newest messages
    memory.last = end;
    reader.log.doubt();
  };
  restart();
  memory.last = 1_000; // others have written to other topics since
  assertEquals(await read(memory, reader, 3), [["L.0", 10], true, ALL.slice(3, 10)]);
  const late = memory.node();
  await late.log.top(memory.stream);
  for (const n of ALL) await late.appender.append(`${n}`, PLENTY);
  restart();
  assertEquals(await read(memory, reader, 10), [["LL.0", 0], false, []]);
});

test("nats history: messages that others have removed take a node few requests", async () => {
  const { stream } = await filled();
  const [reader, other] = [stream.node(() => false), stream.node(() => true)];
  assertEquals(await readBoth(stream, reader), WHOLE);
  for (let n = 1; n <= 300; n++) await other.appender.append(`${n}`, { size: 4, ttlMs: Infinity });
  stream.requests = 0;
  const { position, records } = await readChannel(reader.log, stream.stream, 0, {});
  assertEquals(position, ["L.0", COUNT + 300]);
  assert(records.length < 80, `${records.length} are kept`);
  assert(stream.requests < records.length + 8, `${stream.requests} requests for ${records.length} batches`);
});

test("nats history: a read during which the stream loses messages does not skip them and call itself complete", async () => {
  const memory = new MemoryStream();
  const writer = memory.node();
  for (const n of ALL) await writer.appender.append(`${n}`, PLENTY);
  const reader = memory.node();
  const [asked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const at = async (seq: number) => {
    asked.resolve();
    await goOn.promise;
    return await memory.stream.at(seq);
  };
  const slow = { stream: { ...memory.stream, at } as unknown as LogStream };
  const page = read(slow, reader, 3);
  await asked.promise;
  memory.kept.splice(30); // a server that starts again without its newest messages
  reader.log.doubt();
  await reader.log.top(memory.stream);
  goOn.resolve();
  assertEquals(await page, [["L.0", COUNT], false, [COUNT]]);
});

/** Runs three nodes with a seed, while the leader and the replicas are behind now and then; tells how much was refused. */
async function run(seed: number): Promise<number> {
  const random = createRandom(seed);
  const stream = new ReplicatedStream(() => random(4));
  const nodes = Array.from({ length: 3 }, (_, i) => stream.node(() => i > 0 && random(10) > 0));
  let [left, behind, refused] = [0, 0, 0];
  stream.leads = () => { // the leader changes now and then
    if (left-- <= 0) [left, behind] = [40 + random(60), behind === 0 ? random(9) : 0];
    return stream.kept.slice(0, Math.max(0, stream.kept.length - behind));
  };
  stream.delivers = () => stream.kept.slice(0, random(stream.kept.length + 1));
  const honest = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof HubError)) throw error;
      refused++;
      return undefined;
    }
  };
  const confirmed = new Map<string, number>();
  const told = () => stream.told.filter(({ counts }) => counts).flatMap(({ batch }) => batch.records);
  await Promise.all(nodes.map(async ({ appender, log }) => {
    for (let i = 0, newest = 0; i < 15; i++) {
      const data = `${random(30)}`; // nodes also use the keys of others
      const append = () => appender.append(data, { ...PLENTY, idempotencyKey: data });
      let kept: Awaited<ReturnType<typeof append>> | undefined;
      while (!kept) kept = await honest(append);
      assertEquals([kept[0], confirmed.get(data) ?? kept[1]], ["L.0", kept[1]]);
      confirmed.set(data, kept[1]);
      newest = Math.max(newest, kept[1]);
      const since = random(newest + 1);
      const page = await honest(() => readChannel(log, stream.stream, 0, { since: ["L.0", since] }));
      if (!page) continue;
      const { position: [epoch, last], complete, records } = page;
      assert(epoch === "L.0" && last >= newest, `${epoch} ${last} after ${newest}`);
      const from = complete ? since : (records[0]?.offset ?? last + 1) - 1;
      assertEquals(
        records.map(({ offset, data }) => [offset, data]),
        told().slice(from, last).map((data, i) => [from + i + 1, data]),
      );
    }
  }));
  stream.leads = () => stream.kept;
  const texts = told();
  assertEquals([stream.rounds, texts.length], [0, confirmed.size]);
  for (const [data, offset] of confirmed) assertEquals(texts[offset - 1], data);
  for (const { log } of [...nodes, stream.node(() => true)]) {
    const { complete, records } = await readChannel(log, stream.stream, 0, { since: ["L.0", 0] });
    assertEquals([complete, records.map(({ data }) => data)], [true, texts]);
  }
  return refused;
}

test("nats history: however far the leader and replicas are behind, no read is wrong, and each key is kept once", async () => {
  let refused = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      refused += await run(seed);
    } catch (cause) {
      throw new Error(`Seed ${seed} fails`, { cause });
    }
  }
  assert(refused > SEEDS, `only ${refused} calls were refused`);
});
