/** A stream with replicas may confirm several writes for one place. Still each confirmed message is kept at its offset. */
import { assert, assertEquals } from "@std/assert";
import { HubError } from "../../../contract/mod.ts";
import { readChannel } from "../../../adapters/nats/history/reader.ts";
import { encodeBatch } from "../../../adapters/nats/history/batch.ts";
import type { LogStream, Stored } from "../../../adapters/nats/history/log_stream.ts";
import { EXPECTED, newestInOrder, precedence, UNCOMPARED } from "../../../adapters/nats/history/order.ts";
import { Sweeper } from "../../../adapters/nats/history/sweeper.ts";
import { systemClock } from "../../../contract/clock.ts";
import { test } from "../../harness.ts";
import { createRandom } from "../../soak/lives.ts";
import { ReplicatedStream } from "./replicated_stream.ts";

const SEEDS = 60;
const EACH = 40;

/** Runs three nodes with a seed; tells how many messages did not count. */
async function run(seed: number, size: number): Promise<number> {
  const random = createRandom(seed);
  const stream = new ReplicatedStream(() => random(6));
  const deaf = random(4);
  const nodes = Array.from({ length: 3 }, (_, i) => stream.node(() => i >= deaf && random(10) > 0));
  const confirmed = new Map<string, Set<number>>();
  let [epoch, uncertain] = ["", 0];
  const append = async (who: number, data: string, key?: string) => {
    try {
      const options = { size, ttlMs: Infinity, ...(key !== undefined && { idempotencyKey: key }) };
      const [of, offset] = await nodes[who]!.appender.append(data, options);
      epoch = of;
      confirmed.set(data, (confirmed.get(data) ?? new Set()).add(offset));
    } catch (error) {
      if (!(error instanceof HubError && error.code === "UNCERTAIN")) throw error;
      uncertain++;
    }
  };
  await Promise.all(nodes.map(async (_, who) => {
    for (let i = 0; i < EACH; i++) {
      // Of some messages each node has a copy, with one key.
      const same = size > EACH && random(4) === 0 ? `same ${i}` : undefined;
      const both = [append(who, same ?? `${who}:${i}`, same)];
      if (random(3) === 0) both.push(append(who, `${who}:${i}+`));
      await Promise.all(both);
      if (random(5) === 0) await readChannel(nodes[who]!.log, stream.stream, 0, { limit: 3, reverse: true });
    }
  }));
  const counted = stream.told.filter(({ counts }) => counts).flatMap(({ batch }) =>
    batch.records.map((data, i) => [batch.first + i, data] as const)
  );
  assertEquals(counted.map(([offset]) => offset), counted.map((_, i) => i + 1));
  const texts = counted.map(([, data]) => data);
  assertEquals(new Set(texts).size, texts.length, "a message is kept twice");
  for (const [data, offsets] of confirmed) {
    assertEquals([...offsets].map((offset) => texts[offset - 1]), [data]);
  }
  if (size > 3 * EACH) assertEquals([uncertain, confirmed.size], [0, texts.length]);
  for (const { log } of [...nodes, stream.node(() => true)]) {
    const { position, records } = await readChannel(log, stream.stream, 0, {});
    assertEquals(position, [epoch, texts.length]);
    assertEquals(records.map(({ data }) => data), texts.slice(texts.length - records.length));
    assert(records.length >= Math.min(size, texts.length));
  }
  return stream.told.filter(({ counts }) => !counts).length;
}

for (const size of [10_000, 4]) {
  test(`nats history: whatever a stream with replicas confirms, each confirmed message is kept once at its offset (size ${size})`, async () => {
    let late = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        late += await run(seed, size);
      } catch (cause) {
        throw new Error(`Seed ${seed} fails`, { cause });
      }
    }
    assert(late > SEEDS, `only ${late} messages did not count`);
  });
}

test("nats history: the headers of a published message say whether it counts", () => {
  for (const name of [EXPECTED, UNCOMPARED]) {
    const headers = (expected: string, before: string) =>
      new Map([[name, expected], ["Nats-Last-Sequence", before]]) as unknown as { get(name: string): string };
    assertEquals(precedence(headers("4", "4")), { before: 4, isLate: false, isAlone: false });
    assertEquals(precedence(headers("4", "0")), { before: 0, isLate: false, isAlone: true }); // the one before it is removed
    assertEquals(precedence(headers("4", "7")), { before: 7, isLate: true, isAlone: false });
    assertEquals(precedence(headers("0", "3")), { before: 3, isLate: true, isAlone: false });
    assertEquals(precedence(headers("0", "0")), { before: 0, isLate: false, isAlone: false });
    assertEquals(precedence(headers("", "3")), undefined);
  }
  assertEquals(precedence(undefined), undefined);
});

/** An expired batch. */
function expired(seq: number, expected: number): Stored {
  const data = encodeBatch({
    ...{ epoch: "L.0", first: 1, node: "n", size: 10, ttlMs: 1_000, brief: false, floor: 1 },
    ...{ earlier: [], keys: new Map(), records: ["text"] },
  });
  const headers = btoa(`NATS/1.0\r\n${UNCOMPARED}: ${expected}\r\n\r\n`);
  return { seq, subject: "c", at: 0, data, headers };
}

/** A leader that has these messages. */
const leaderOf = (kept: readonly Stored[]) => ({
  last: (subject: string) => Promise.resolve(kept.findLast((stored) => stored.subject === subject)),
  next: (from: number) => Promise.resolve(kept.find(({ seq }) => seq >= from)),
});

test("nats history: the sweep removes no expired message while the oldest after it would not count", async () => {
  const sweep = async (...kept: readonly Stored[]) => {
    const purged: [string, number | undefined][] = [];
    const stream = {
      ...leaderOf(kept),
      ...{ replicas: 3, sweepSubject: "sweep", lifeOf: () => "L" },
      ready: () => Promise.resolve({ life: "L", round: 0, seq: 1 }),
      keep: () => Promise.resolve(100),
      purge: (subject: string, { seq }: { seq?: number }) =>
        Promise.resolve(void purged.push([subject, seq])),
    } as unknown as LogStream;
    const sweeper = new Sweeper({ clock: systemClock, forgetAfterMs: 3_600_000, wall: () => 60_000 });
    await sweeper.sweep(stream);
    return purged.filter(([subject]) => subject === "c");
  };
  const late = [expired(10, 0), expired(11, 10), expired(12, 10)];
  assertEquals(await sweep(...late), [["c", 11]]); // 11 is the newest that counts
  assertEquals(await sweep(...late, expired(13, 12)), [["c", 13]]);
  assertEquals(await sweep(...late, expired(13, 12), expired(14, 12)), [["c", 13]]);
});

test("nats history: the newest message that counts is found before any number of others", async () => {
  const newest = async (...kept: readonly Stored[]) => {
    const found = await newestInOrder(leaderOf(kept), "c");
    return found && [found.stored.seq, found.last];
  };
  assertEquals(await newest(), undefined);
  assertEquals(await newest(expired(10, 0)), [10, 10]);
  assertEquals(await newest(expired(10, 7)), [10, 10]); // 7 is removed
  assertEquals(await newest(expired(10, 0), expired(11, 0), expired(12, 10)), [10, 12]);
  assertEquals(await newest(expired(10, 0), expired(11, 10), expired(12, 10), expired(13, 11)), [11, 13]);
  assertEquals(await newest(expired(10, 0), expired(11, 0), expired(12, 10), expired(13, 12)), [13, 13]);
  // The walk goes on from a message that does not count itself.
  assertEquals(await newest(expired(10, 0), expired(11, 0), expired(12, 0), expired(13, 11)), [10, 13]);
});
