import { check, checkSame, until } from "../check.ts";
import type { StoreCase } from "./stage.ts";

export const readingCases: readonly StoreCase[] = [
  {
    name: "a channel on which nothing was appended has a position, which its first message goes on from",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const before = await b.read("news");
      checkSame(
        [before.position[1], before.complete, before.records],
        [0, true, []],
        "What a new channel has",
      );
      checkSame((await a.read("news")).position, before.position, "The position on another node");
      const since = before.position;
      checkSame((await b.read("news", { since })).complete, true, "Whether an empty channel is complete");
      checkSame(await a.append("news", "one"), [since[0], 1], "The first position");
      const after = await b.read("news", { since });
      checkSame([after.complete, after.records.map(({ data }) => data)], [true, ["one"]], "What came after");
    },
  },
  {
    name: "a reader gets what came after the position that it has, the oldest first",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const epoch = await a.fill("news", 10);
      for (const [since, expected] of [[0, 10], [4, 6], [9, 1], [10, 0]] as const) {
        const { complete, position, records } = await b.read("news", { since: [epoch, since] });
        checkSame([complete, position], [true, [epoch, 10]], `The answer after ${since}`);
        const offsets = Array.from({ length: expected }, (_, i) => since + 1 + i);
        checkSame(records.map(({ offset }) => offset), offsets, `The offsets after ${since}`);
        checkSame(records.map(({ data }) => data), offsets.map(String), `The data after ${since}`);
      }
    },
  },
  {
    name: "a message is told with its age, and none is older than one before it",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      await a.fill("news", 3);
      const { records } = await b.read("news");
      checkSame(records.length, 3, "The number of messages");
      const ages = records.flatMap(({ ageMs }) => ageMs === undefined ? [] : [ageMs]);
      checkSame(ages.length, stage.tellsAge ? 3 : 0, "The number of ages");
      // Even on a busy machine, the messages were written during this run.
      check(ages.every((age) => age >= 0 && age < 3_600_000), `The ages are ${ages}`);
      check(ages.every((age, i) => i === 0 || age <= ages[i - 1]!), `The ages are ${ages}: they grow`);
    },
  },
  {
    name: "a limit gives the oldest of what is asked for, and 0 only the position",
    async run(stage) {
      const a = await stage.node();
      const epoch = await a.fill("news", 10);
      const offsets = async (options: Parameters<typeof a.read>[1]) => {
        const { position, complete, records } = await a.read("news", options);
        checkSame([position, complete], [[epoch, 10], true], "The answer");
        return records.map(({ offset }) => offset);
      };
      checkSame(await offsets({ limit: 3 }), [1, 2, 3], "A limit");
      checkSame(await offsets({ limit: 3, since: [epoch, 5] }), [6, 7, 8], "A limit after a position");
      checkSame(await offsets({ limit: 3, since: [epoch, 9] }), [10], "A limit beyond the end");
      checkSame(await offsets({ limit: 0 }), [], "A limit of 0");
      checkSame(
        await offsets({ limit: 1_000_000 }),
        Array.from({ length: 10 }, (_, i) => i + 1),
        "A high limit",
      );
    },
  },
  {
    name: "each of many channels that are asked for their positions at once answers with its own",
    async run(stage) {
      const a = await stage.node();
      const names = Array.from({ length: 20 }, (_, i) => `channel ${i}`);
      const epochs: string[] = [];
      for (const [i, name] of names.entries()) {
        const filled = i % 4 > 0 ? await a.fill(name, i % 4) : (await a.read(name)).position[0];
        epochs.push(filled);
      }
      const pages = await Promise.all(names.map((name) => a.read(name, { limit: 0 })));
      checkSame(
        pages.map(({ position, complete, records }) => [position, complete, records]),
        names.map((_, i) => [[epochs[i], i % 4], true, []]),
        "The answers",
      );
    },
  },
  {
    name: "backwards the newest come first, also within a limit and after a position",
    async run(stage) {
      const a = await stage.node();
      const epoch = await a.fill("news", 6);
      const offsets = async (options: Parameters<typeof a.read>[1]) =>
        (await a.read("news", { ...options, reverse: true })).records.map(({ offset }) => offset);
      checkSame(await offsets({}), [6, 5, 4, 3, 2, 1], "All");
      checkSame(await offsets({ limit: 2 }), [6, 5], "A limit");
      checkSame(await offsets({ since: [epoch, 3] }), [6, 5, 4], "After a position");
      checkSame(await offsets({ since: [epoch, 3], limit: 1 }), [6], "Both");
    },
  },
  {
    name: "a position of another epoch, or one that has not been yet, is not complete",
    async run(stage) {
      const a = await stage.node();
      const epoch = await a.fill("news", 3);
      const strange = [["another", 2], ["", 0], [epoch, 4], [epoch, Number.MAX_SAFE_INTEGER]] as const;
      for (const since of strange) {
        const { position, complete, records } = await a.read("news", { since });
        checkSame([position, complete], [[epoch, 3], false], `The answer after ${since}`);
        checkSame(records.map(({ offset }) => offset), [1, 2, 3], `The records after ${since}`);
      }
    },
  },
  {
    name: "the newest messages are kept, as many as were asked for, and who has missed more is told",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const options = { size: 5, ttlMs: Infinity };
      const epoch = await a.fill("news", 400, options);
      const { records, complete } = await b.read("news");
      check(complete, "A read of all that is kept is not complete");
      const first = records[0]?.offset ?? Infinity;
      check(first <= 396, `The oldest message is ${first}: less than 5 are kept`);
      check(first > 1, "All 400 messages are kept, though 5 were asked for");
      checkSame(records.map(({ offset }) => offset), range(first, 400), "The offsets");
      checkSame(
        (await b.read("news", { since: [epoch, first - 1] })).complete,
        true,
        "The oldest complete position",
      );
      const late = await b.read("news", { since: [epoch, first - 2] });
      checkSame([late.complete, late.records.length], [false, records.length], "One message too late");
    },
  },
  {
    name: "messages expire, and the count goes on in its epoch",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const options = { size: 100, ttlMs: stage.ttlMs };
      const keyed = { ...options, idempotencyKey: "k" };
      const first = await a.append("keyed", "one", keyed);
      const epoch = await a.fill("news", 5, options);
      let left = 5;
      const poll = async () => {
        while (left > 0) {
          b.store.sweep?.();
          left = (await b.read("news")).records.length;
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      };
      const polling = poll();
      await until(() => left === 0, () => `${left} messages to expire`, stage.waitMs);
      await polling;
      checkSame((await b.read("news")).position, [epoch, 5], "The position");
      checkSame((await b.read("news", { since: [epoch, 5] })).complete, true, "Complete at the end");
      checkSame((await b.read("news", { since: [epoch, 4] })).complete, false, "Complete before the end");
      checkSame(await b.append("news", "next", options), [epoch, 6], "The next position");
      const { complete, records } = await a.read("news", { since: [epoch, 5] });
      checkSame([complete, records.map(({ data }) => data)], [true, ["next"]], "What came after");
      let again = first;
      for (const end = performance.now() + stage.waitMs; `${again}` === `${first}`;) {
        check(
          performance.now() < end,
          `The key of a message that has expired is known after ${stage.waitMs} ms`,
        );
        await new Promise((resolve) => setTimeout(resolve, 10));
        again = await b.append("keyed", "again", keyed);
      }
      checkSame(await a.append("keyed", "once more", keyed), again, "The key, which is in use again");
      const kept = (await a.read("keyed")).records.map(({ data }) => data);
      checkSame(kept, ["again"], "What is kept under a key that was over");
    },
  },
  {
    name: "a brief channel is as any other until its messages expire, and then leaves others in their epoch",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const untouched = (await a.read("untouched")).position;
      const options = { size: 3, ttlMs: stage.ttlMs, brief: true, idempotencyKey: "k" };
      let news = "";
      for (let i = 1; news === ""; i++) {
        const name = `news ${i}`;
        const began = performance.now();
        const first = await a.append(name, "one", options);
        const again = await b.append(name, "again", options);
        const { records } = await b.read(name);
        if (performance.now() - began >= stage.ttlMs) continue; // this machine is busy: the message may have expired
        checkSame(again, first, "The same key on another node");
        checkSame(records.map(({ data }) => data), ["one"], "What is kept");
        news = name;
      }
      let left = 1;
      const poll = async () => {
        while (left > 0) {
          for (const { store } of [a, b]) store.sweep?.();
          left = (await b.read(news)).records.length;
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      };
      const polling = poll();
      await until(() => left === 0, () => "the message to expire", stage.waitMs);
      await polling;
      const next = await a.append(news, "next", { ...options, idempotencyKey: "next" });
      const { position, records } = await b.read(news);
      checkSame([position, records.map(({ data }) => data)], [next, ["next"]], "What came after");
      checkSame((await b.read("untouched")).position, untouched, "The position of another channel");
    },
  },
  {
    name: "a page is of one moment, whatever is appended meanwhile",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const options = { size: 20, ttlMs: Infinity };
      await a.fill("news", 20, options);
      const appending = Promise.all(range(21, 220).map((i) => a.append("news", `${i}`, options)));
      for (let i = 0; i < 50; i++) {
        const { position: [, last], records } = await b.read("news");
        checkSame(records.map(({ data }) => Number(data)), records.map(({ offset }) => offset), "The data");
        checkSame(records.map(({ offset }) => offset), range(records[0]!.offset, last), "The offsets");
      }
      await appending;
    },
  },
];

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
