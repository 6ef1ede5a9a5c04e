import type { Position } from "../../contract/mod.ts";
import { check, checkSame, settles } from "../check.ts";
import { PLENTY, type StoreCase } from "./stage.ts";

const ODD_DATA = ["", "{}", " ", "\n", "\u0000", '"', "€", "𝄞", "null", "x".repeat(100_000)];
const ODD_CHANNELS = ["news", "news ", "news:", "news*", "NEWS", "n", "news/1", "ü", "𝄞", '"', "new\ns"];

export const appendingCases: readonly StoreCase[] = [
  {
    name: "offsets count from 1 without holes, in one epoch of at most 64 characters",
    async run(stage) {
      const a = await stage.node();
      const epoch = await a.fill("news", 20);
      check(epoch.length > 0 && epoch.length <= 64, `The epoch has ${epoch.length} characters`);
    },
  },
  {
    name: "what was appended is read exactly as it was, on every node, as soon as the append has resolved",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      for (const [i, data] of ODD_DATA.entries()) {
        const position = await a.append("news", data);
        const page = await b.read("news");
        checkSame(page.position, position, "The position on the other node");
        checkSame(page.records[i]?.data, data, "The data on the other node");
      }
      const { records } = await a.read("news");
      checkSame(records.map(({ data }) => data), ODD_DATA, "All data on its own node");
      checkSame(records.map(({ offset }) => offset), ODD_DATA.map((_, i) => i + 1), "The offsets");
    },
  },
  {
    name: "what one node appends is kept in the order of its calls, which need not wait for each other",
    async run(stage) {
      const a = await stage.node();
      const data = Array.from({ length: 200 }, (_, i) => `${i}`);
      const positions = await Promise.all(data.map((text) => a.append("news", text)));
      checkSame(positions.map(([, offset]) => offset), data.map((_, i) => i + 1), "The offsets");
      checkSame((await a.read("news")).records.map(({ data }) => data), data, "What is kept");
    },
  },
  {
    name: "several nodes append at once: every message has an offset of its own, and all nodes read the same",
    async run(stage) {
      const nodes = [await stage.node(), await stage.node(), await stage.node()];
      const appends = nodes.flatMap((node, n) =>
        Array.from({ length: 50 }, async (_, i): Promise<[Position, string]> => {
          const data = `${n}:${i}`;
          return [await node.append("news", data), data];
        })
      );
      const kept = await Promise.all(appends);
      check(new Set(kept.map(([[epoch]]) => epoch)).size === 1, "There is more than one epoch");
      kept.sort(([[, x]], [[, y]]) => x - y);
      const expected = kept.map(([[, offset], data]) => [offset, data]);
      checkSame(expected.map(([offset]) => offset), expected.map((_, i) => i + 1), "The offsets");
      for (const node of nodes) {
        const { records } = await node.read("news");
        checkSame(records.map(({ offset, data }) => [offset, data]), expected, "What a node reads");
      }
    },
  },
  {
    name: "channels have nothing to do with each other, whatever they are called",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      for (const channel of ODD_CHANNELS) await a.append(channel, channel);
      for (const channel of ODD_CHANNELS) {
        const { position, records } = await b.read(channel);
        checkSame([position[1], records.map(({ data }) => data)], [1, [channel]], `What "${channel}" has`);
      }
    },
  },
  {
    name: "the same key again keeps nothing, and answers with the first position, on every node",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const keyed = (idempotencyKey: string) => ({ ...PLENTY, idempotencyKey });
      const first = await a.append("news", "one", keyed("k"));
      checkSame(await a.append("news", "again", keyed("k")), first, "The same key on the same node");
      checkSame(await b.append("news", "again", keyed("k")), first, "The same key on another node");
      checkSame((await b.append("news", "two", keyed("other")))[1], 2, "The offset of another key");
      checkSame((await b.append("elsewhere", "one", keyed("k")))[1], 1, "The key on another channel");
      const { records } = await a.read("news");
      checkSame(records.map(({ data }) => data), ["one", "two"], "What is kept");
    },
  },
  {
    name: "the same key on several nodes at once keeps one message",
    async run(stage) {
      const nodes = [await stage.node(), await stage.node(), await stage.node()];
      const options = { ...PLENTY, idempotencyKey: "k" };
      const positions = await Promise.all(nodes.map((node, i) => node.append("news", `${i}`, options)));
      check(new Set(positions.map(String)).size === 1, `They got ${positions.join(" and ")}`);
      checkSame((await nodes[0]!.read("news")).records.length, 1, "How many messages are kept");
    },
  },
  {
    name:
      "whether a key was known is told to whoever kept nothing, and to nobody else, where the store tells it",
    async run(stage) {
      const nodes = [await stage.node(), await stage.node(), await stage.node()];
      if (!nodes[0]!.store.tellsKnown) return;
      const known: number[] = [];
      const append = (i: number, idempotencyKey?: string) =>
        nodes[i % nodes.length]!.append("news", `${i}`, {
          ...PLENTY,
          idempotencyKey,
          onKnown: () => void known.push(i),
        });
      await append(0);
      await append(1, "one");
      checkSame(known, [], "The appends that reported a new key as known");
      await append(2, "one");
      await append(4, "one");
      checkSame(known.splice(0), [2, 4], "The appends that reported a known key");
      await Promise.all(nodes.flatMap((_, i) => [append(i, "at once"), append(i + 3, "at once")]));
      const { records } = await nodes[0]!.read("news");
      const told = [...known, Number(records.at(-1)!.data)].sort();
      checkSame(told, [0, 1, 2, 3, 4, 5], "The append that was kept, and those with a known key");
    },
  },
  {
    name: "an append and a read whose signal is aborted end soon, and leave the store in order",
    async run(stage) {
      const a = await stage.node();
      const signal = AbortSignal.abort(new Error("No caller waits"));
      const end = (act: () => unknown) => settles(Promise.try(act).catch(() => {}), "the end", stage.waitMs);
      await end(() => a.store.append("news", "given up", { ...PLENTY, signal }));
      await end(() => a.store.read("news", { signal }));
      const [, offset] = await a.append("news", "next");
      const { records } = await a.read("news");
      checkSame(records.length, offset, "How many messages are kept");
      checkSame(records.at(-1)?.data, "next", "The newest message");
    },
  },
  {
    name: "a node that closes takes nothing with it, and may close twice",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const position = await a.append("news", "kept");
      await a.close();
      await a.close();
      const page = await b.read("news");
      checkSame([page.position, page.records.length], [position, 1], "What the other node reads");
      checkSame((await b.append("news", "next"))[1], 2, "The next offset");
    },
  },
];
