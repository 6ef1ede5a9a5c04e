import { assert, assertEquals } from "@std/assert";
import type { Position } from "../../contract/mod.ts";
import type { StoredPage } from "@trunkline/hub/adapters/history-store";
import { createMemoryHistory } from "@trunkline/hub/adapters/memory-history";
import { jsonCodec } from "../../contract/mod.ts";
import { RecordMessage } from "../../hub/topics/record.ts";
import { TopicStream } from "../../hub/topics/stream/topic_stream.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { microtasks } from "../hub/wires.ts";
import { laterStore } from "./later_store.ts";

/** A stream over a store that answers when it is told to, and what it has delivered: offsets, and gaps as text. */
function scene({ size = 1_000 } = {}) {
  const clock = new FakeClock();
  const memory = createMemoryHistory({ clock });
  const store = laterStore(memory);
  const heard: (number | string)[] = [];
  const delivered = new Map<string, string>();
  const errors: unknown[] = [];
  const stream = new TopicStream({
    channel: "c",
    store,
    clock,
    timeoutMs: 1_000,
    deliver: (message) => {
      heard.push(JSON.parse(message.encoded(jsonCodec) as string)[2]);
      delivered.set(`${stream.position}`, message.data);
    },
    delivered: (position) => delivered.get(`${position}`),
    gap: ([, offset]) => heard.push(`gap ${offset}`),
    message: ({ offset, data }) => {
      if (data === '"bad"') throw new TypeError("Bad");
      return new RecordMessage("c", offset, data);
    },
    onError: (error) => errors.push(error),
  });
  const append = (data = '"x"') => memory.append("c", data, { size, ttlMs: Infinity });
  const take = (position: Position, data = '"x"') =>
    stream.take(position, new RecordMessage("c", position[1], data), data.length);
  /** Lets time pass until nothing changes any more. */
  const settle = async () => {
    for (let i = 0; i < 20; i++) {
      await microtasks();
      clock.advance(1_000);
    }
    await microtasks();
  };
  return { clock, memory, store, stream, heard, errors, append, take, settle };
}

test("stream: messages in order are delivered at once, and delivered ones are not delivered again", async () => {
  const { stream, heard, append, take, store } = scene();
  append();
  await stream.start();
  const [second, third] = [append(), append()];
  take(second);
  take(third);
  take(second);
  take([second[0], 1]);
  assertEquals([heard, store.reads], [[2, 3], 1]);
});

test("stream: early messages wait for those on their way, and nothing is read", async () => {
  const { clock, stream, heard, append, take, store } = scene();
  await stream.start();
  const all = Array.from({ length: 5 }, () => append());
  for (const i of [4, 1, 3, 2]) take(all[i]!);
  assertEquals(heard, []);
  clock.advance(19);
  take(all[0]!);
  clock.advance(1_000);
  await microtasks();
  assertEquals([heard, store.reads, clock.pending], [[1, 2, 3, 4, 5], 1, 0]);
});

test("stream: messages that do not arrive are read from the store, and delivered in their place", async () => {
  const { clock, stream, heard, append, take, settle } = scene();
  await stream.start();
  const all = Array.from({ length: 200 }, () => append());
  take(all[0]!);
  take(all[199]!);
  clock.advance(20);
  take(all[1]!); // late, while the store is read
  await settle();
  assertEquals([heard, clock.pending], [all.map(([, offset]) => offset), 0]);
});

test("stream: messages that arrive before the store has given the position are delivered from there on", async () => {
  const { stream, heard, append, take, settle } = scene();
  append();
  const started = stream.start();
  const before = append();
  take(before); // the store has answered with 1 by then, and the answer is on its way
  await started;
  take(append());
  await settle();
  assertEquals(heard, [2, 3]);
});

test("stream: messages that are stored during a read are read too, if they may have been missed meanwhile", async () => {
  const { clock, stream, heard, append, store } = scene();
  const started = stream.start();
  append(); // the store has answered by then, and the answer is on its way
  stream.catchUp();
  await started;
  clock.advance(20);
  append();
  stream.catchUp();
  await microtasks();
  assertEquals([heard, clock.pending], [[1, 2], 0]);
  const { reads } = store;
  stream.catchUp();
  for (let i = 0; i < 5; i++) stream.catchUp();
  await microtasks();
  assertEquals(store.reads - reads, 2); // one that was under way, and one for all later callers
});

test("stream: a stream that goes on while the store answers is not behind it, and tells no gap", async () => {
  const { clock, stream, heard, append, take, store, settle } = scene();
  await stream.start();
  for (let n = 1; n <= 20; n++) {
    stream.catchUp();
    assertEquals(store.reads, 1 + n, "each is asked at once");
    take(append()); // the store has answered by then, and the answer is on its way
    await microtasks();
  }
  await settle();
  assertEquals([heard, clock.pending], [Array.from({ length: 20 }, (_, i) => i + 1), 0]);
});

test("stream: messages above the limit of waiting ones are dropped, and read from the store", async () => {
  const { stream, heard, append, take, settle } = scene({ size: 5_000 });
  await stream.start();
  const all = Array.from({ length: 4_000 }, () => append());
  for (const position of all.slice(1)) take(position);
  await settle();
  assertEquals(heard, all.map(([, offset]) => offset));
});

test("stream: messages that the store no longer has are a gap, once, and all stored ones follow", async () => {
  const { stream, heard, append, take, settle } = scene({ size: 3 });
  await stream.start();
  const all = Array.from({ length: 10 }, () => append());
  take(all[9]!);
  await settle();
  assertEquals(heard, ["gap 7", 8, 9, 10]);
});

test("stream: a store that has started again is a gap, and later messages follow", async () => {
  const { clock, stream, heard, append, take, settle, store } = scene();
  await stream.start();
  take(append());
  const renewed = createMemoryHistory({ clock });
  const next = () => renewed.append("c", '"x"', { size: 10, ttlMs: Infinity });
  store.onRead = (_page, options) => renewed.read("c", options);
  next();
  take(next());
  await settle();
  take(next());
  assertEquals(heard, [1, "gap 1", 2, 3]);
});

test("stream: messages that are known to be stored are read, also if a page under way does not contain them yet", async () => {
  const { memory, stream, heard, append, settle, store } = scene();
  await stream.start();
  let page: StoredPage | undefined = memory.read("c");
  store.onRead = (now) => {
    const answer = page ?? now;
    page = undefined;
    return answer;
  };
  store.state = "hangs";
  stream.catchUp();
  const first = append();
  stream.catchUp(first);
  append();
  store.release();
  await settle();
  assertEquals(heard, [1, 2]);
  const { reads } = store;
  stream.catchUp(first);
  await settle();
  assertEquals([heard, store.reads], [[1, 2], reads]);
});

test("stream: messages that a store keeps when it begins a new epoch are not delivered again", async () => {
  const { clock, stream, heard, append, take, settle, store } = scene();
  await stream.start();
  for (let i = 0; i < 3; i++) take(append());
  const renewed = createMemoryHistory({ clock });
  const next = () => renewed.append("c", '"x"', { size: 10, ttlMs: Infinity });
  for (let i = 0; i < 3; i++) next(); // what was kept before its restart
  store.onRead = (_page, options) => renewed.read("c", options);
  stream.catchUp(); // at a look, before anything new has come
  await settle();
  take(next());
  assertEquals(heard, [1, 2, 3, "gap 3", 4]);
});

test("stream: a replica that still has the old epoch is asked again, and never leads back to that epoch", async () => {
  const { clock, stream, heard, append, take, settle, store, memory } = scene();
  await stream.start();
  take(append());
  const behind = memory.read("c");
  const renewed = createMemoryHistory({ clock });
  const next = () => renewed.append("c", '"y"', { size: 10, ttlMs: Infinity });
  let lag = 0;
  store.onRead = (_page, options) => lag-- > 0 ? behind : renewed.read("c", options);
  take(next(), '"y"');
  await settle();
  lag = 3;
  next();
  take(next(), '"y"');
  await settle();
  assertEquals(heard, [1, "gap 0", 1, 2, 3]);
  lag = Infinity; // it is no replica: all that there is has that epoch
  stream.catchUp();
  await settle();
  take(append());
  assertEquals(heard, [1, "gap 0", 1, 2, 3, "gap 1", 2]);
});

test("stream: messages of an epoch that the store does not have are dropped and reported", async () => {
  const { stream, heard, errors, append, take, settle, store } = scene();
  await stream.start();
  take(append());
  take(["strange", 1]);
  await settle();
  take(append());
  assertEquals([heard, errors.length, String(errors[0]).includes("same history")], [[1, 2], 1, true]);
  assert(store.reads < 10, `${store.reads} reads`);
});

test("stream: a replica that is behind is asked again; if it stays behind, there is a gap", async () => {
  const { stream, heard, append, take, settle, store, memory } = scene();
  await stream.start();
  take(append());
  const behind = memory.read("c");
  append();
  let lag = 3;
  store.onRead = (page, { since }) => lag-- > 0 ? { ...behind, records: [], complete: since![1] <= 1 } : page;
  take(append());
  await settle();
  assertEquals(heard, [1, 2, 3]);
  lag = Infinity;
  append();
  take(append());
  await settle();
  assertEquals(heard, [1, 2, 3, "gap 4", 5]);
});

test("stream: a store that is down is no gap: it is asked until it answers, and reported once", async () => {
  for (const state of ["down", "hangs"] as const) {
    const { clock, stream, heard, errors, append, settle, store } = scene();
    await stream.start();
    append();
    store.state = state;
    stream.catchUp();
    for (let i = 0; i < 10; i++) await settle(); // minutes
    assertEquals([heard, errors.length], [[], 1]);
    assert(store.reads < 80, `${store.reads} reads`);
    store.release();
    await settle();
    assertEquals([heard, errors.length, clock.pending], [[1], 1, 0]);
    append();
    store.state = state;
    stream.catchUp();
    await settle();
    assertEquals(errors.length, 2, "the next time it is told again");
    store.release();
    await settle();
    assertEquals([heard, clock.pending], [[1, 2], 0]);
  }
});

test("stream: a report of missed messages ends the pause before the store is asked again", async () => {
  const { stream, heard, append, settle, store } = scene();
  await stream.start();
  append();
  store.state = "down";
  stream.catchUp();
  await settle();
  const { reads } = store;
  store.state = "up";
  stream.catchUp();
  await microtasks();
  assertEquals([heard, store.reads], [[1], reads + 1]);
});

test("stream: messages that are ahead wait while the store is down, and are delivered in order when it is back", async () => {
  const { clock, stream, heard, errors, append, take, settle, store } = scene();
  await stream.start();
  append();
  store.state = "down";
  take(append());
  await settle(); // 20 seconds
  assertEquals([heard, errors.length], [[], 1]);
  store.state = "up";
  await settle();
  assertEquals([heard, errors.length, clock.pending], [[1, 2], 1, 0]);
});

test("stream: messages that are ahead wait for half a minute, then a gap is reported and the stream goes on; the reads go on too", async () => {
  const { clock, stream, heard, errors, append, take, settle, store } = scene();
  await stream.start();
  const all = Array.from({ length: 6 }, () => append());
  store.state = "down";
  take(all[1]!);
  take(all[4]!);
  stream.catchUp();
  await settle();
  assertEquals(heard, []);
  await settle();
  assertEquals([heard, errors.length], [["gap 1", 2, "gap 4", 5], 1]);
  store.state = "up";
  await settle();
  assertEquals([heard, errors.length, clock.pending], [["gap 1", 2, "gap 4", 5, 6], 1, 0]);
});

test("stream: if more messages are ahead of a hole than can wait, and the store is down, the gap is reported at once", async () => {
  const { clock, stream, heard, append, take, settle, store } = scene({ size: 5_000 });
  await stream.start();
  const all = Array.from({ length: 1_102 }, () => append());
  store.state = "down";
  for (const position of all.slice(1, 901)) take(position);
  clock.advance(20);
  await microtasks(); // the store has not answered
  assertEquals(heard, []);
  for (const position of all.slice(901)) take(position);
  assertEquals(heard, ["gap 1", ...all.slice(1).map(([, offset]) => offset)]);
  store.state = "up";
  await settle();
  assertEquals([heard.length, clock.pending], [1_102, 0]);
});

test("stream: a record that cannot be delivered is a gap in its place, and reported", async () => {
  const { stream, heard, errors, append, take, settle } = scene();
  await stream.start();
  for (const data of ['"x"', '"bad"', '"x"']) append(data);
  take(append());
  await settle();
  assertEquals([heard, errors.length], [[1, "gap 2", 3, 4], 1]);
  const [epoch, offset] = append();
  stream.take([epoch, offset], undefined, 0);
  assertEquals(heard.at(-1), "gap 5");
});

test("stream: a stream that is closed delivers, reads and waits for nothing", async () => {
  const { clock, stream, heard, append, take, store } = scene();
  await stream.start();
  append();
  take(append());
  stream.close();
  take(append());
  stream.catchUp();
  clock.advance(10_000);
  await microtasks();
  assertEquals([heard, store.reads, clock.pending], [[], 1, 0]);

  const second = scene();
  await second.stream.start();
  second.append();
  second.store.state = "hangs";
  second.take(second.append());
  second.clock.advance(20);
  await waitFor(() => second.store.waiting === 1, { what: "the read" });
  second.stream.close();
  second.store.release();
  await microtasks();
  assertEquals([second.heard, second.clock.pending], [[], 0]);
});

test("stream: two questions during a read of the store wait for the same answer; a failed start is reported", async () => {
  const { stream, store } = scene();
  const answers = [stream.start(), stream.start()];
  assertEquals((await Promise.all(answers)).length, 2);
  assertEquals([store.reads, stream.position?.[1]], [1, 0]);
  const failing = scene();
  failing.store.state = "down";
  const refused = await Promise.resolve(failing.stream.start()).then(() => "no error", (error) => error.code);
  assertEquals([refused, failing.stream.position], ["UNAVAILABLE", undefined]);
});

test("stream: a report of missed messages during a read is not lost: the store is read again", async () => {
  const { stream, heard, append, store } = scene();
  await stream.start();
  append();
  stream.catchUp(); // the store has answered by now, and the answer is on its way
  append();
  stream.catchUp();
  await microtasks();
  assertEquals([heard, store.reads], [[1, 2], 3]);
});
