import type { AdapterData } from "../../adapters/adapter.ts";
import { check, checkSame, seededRandom } from "../check.ts";
import type { CaseDefinition, Node } from "./stage.ts";

const MEBIBYTE = 1024 * 1024;

/**
 * Publishes on A and waits for the others, then publishes the other way. An echo to A would have arrived before that.
 */
async function roundTrip(a: Node, b: Node, channel: string, word: string): Promise<void> {
  a.publish(channel, `there-${word}`);
  await b.got(channel, `there-${word}`);
  b.publish(channel, `back-${word}`);
  await a.got(channel, `back-${word}`);
}

/** Checks that one publisher's messages on a channel arrived as 0, 1, 2 and so on. */
function checkOrder(node: Node, from: Node, channel: string, count: number): void {
  const numbers = node.received
    .filter((message) => message.from === from.nodeId && message.channel === channel)
    .map(({ data }) => Number((data as string).split(" ")[0]));
  checkSame(
    numbers,
    Array.from({ length: count }, (_, i) => i),
    `What ${from.nodeId} published on "${channel}"`,
  );
}

/** Exactly this many bytes of text. */
const textOf = (bytes: number): string => "0123456789abcdef".repeat(Math.ceil(bytes / 16)).slice(0, bytes);

/** Bytes with every value, repeated. */
const bytesOf = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, i) => i & 255);

async function checkArrives(
  a: Node,
  others: readonly Node[],
  messages: readonly AdapterData[],
): Promise<void> {
  for (const message of messages) a.publish("data", message);
  a.publish("data", "the end");
  for (const node of others) {
    await node.got("data", "the end");
    const got = node.on("data").slice(0, -1);
    checkSame(got.length, messages.length, "How many messages arrived");
    got.forEach((data, i) => checkSame(data, messages[i], `Message ${i}`));
  }
}

export const deliveryCases: readonly CaseDefinition[] = [
  {
    name: "a publish reaches every other subscribed node once and never its publisher",
    async run(stage) {
      const [a, b, c] = await stage.cluster("news");
      a.publish("news", "hello");
      await Promise.all([b.got("news", "hello"), c.got("news", "hello")]);
      await roundTrip(a, b, "news", "1");
      await roundTrip(a, c, "news", "2");
      await Promise.all([b.got("news", "there-2"), c.got("news", "back-1")]);
      checkSame(a.on("news").toSorted(), ["back-1", "back-2"], "What A got");
      checkSame(
        b.on("news").filter((text) => text === "hello"),
        ["hello"],
        "What B got of the first message",
      );
      checkSame(
        c.on("news").filter((text) => text === "hello"),
        ["hello"],
        "What C got of the first message",
      );
    },
  },
  {
    name: "messages go in both directions, each with the id of the node that published it",
    async run(stage) {
      const nodes = await stage.cluster("news");
      for (const node of nodes) node.publish("news", node.nodeId);
      for (const node of nodes) {
        const others = nodes.filter((other) => other !== node);
        for (const other of others) await node.got("news", other.nodeId);
        checkSame(node.received.length, 2, "How many messages a node got");
        check(
          node.received.every(({ from, data }) => from === data),
          "A message came with another sender's id",
        );
      }
    },
  },
  {
    name: "interleaved publishers keep each publisher's order on each channel",
    async run(stage) {
      const random = seededRandom(stage.setup.seed ?? 1);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
      const channels = ["first", "second", "third"];
      const nodes = await stage.cluster(...channels);
      const counts = new Map(nodes.map((node) => [node, channels.map(() => 0)]));
      for (let i = 0; i < 600; i++) {
        const [node, channel] = [pick(nodes), pick(channels)];
        const number = counts.get(node)![channels.indexOf(channel)]++;
        // Sizes differ, because large messages may travel in another way than small ones.
        node.publish(channel, `${number} ${"x".repeat(random() < 0.1 ? 20_000 : 20)}`);
        // Several turns, so that some are coalesced and some are not.
        if (random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      for (const node of nodes) {
        const expected = nodes.filter((other) => other !== node)
          .reduce((sum, other) => sum + counts.get(other)!.reduce((x, y) => x + y), 0);
        await node.until(() => node.received.length >= expected, `${expected} messages`);
        checkSame(node.received.length, expected, "How many messages a node got");
        for (const from of nodes) {
          if (from === node) continue;
          channels.forEach((channel, i) => checkOrder(node, from, channel, counts.get(from)![i]));
        }
      }
    },
  },
  {
    name: "a burst of 2,000 messages in one turn arrives whole and in order",
    async run(stage) {
      const [a, b, c] = await stage.cluster("burst");
      for (let i = 0; i < 2_000; i++) a.publish("burst", `${i}`);
      await Promise.all([b.got("burst", "1999"), c.got("burst", "1999")]);
      for (const node of [b, c]) checkOrder(node, a, "burst", 2_000);
    },
  },
  {
    name: "2,000 messages in as many turns arrive whole and in order",
    async run(stage) {
      const [a, b, c] = await stage.cluster("stream");
      for (let i = 0; i < 2_000; i++) {
        a.publish("stream", `${i}`);
        await Promise.resolve();
        await Promise.resolve();
      }
      await Promise.all([b.got("stream", "1999"), c.got("stream", "1999")]);
      for (const node of [b, c]) checkOrder(node, a, "stream", 2_000);
    },
  },
  {
    name: "text arrives as the text that was sent, empty, of 1 character, and of all of Unicode",
    async run(stage) {
      const [a, ...others] = await stage.cluster("data");
      const strange = [
        "\ufeffmark",
        "a\0b",
        "\r\n",
        "💥é\u0301\u202e",
        "TL1t1:a",
        '{"__proto__":1}',
        "\x7f\x80\xff",
      ];
      await checkArrives(a, others, ["", "x", ...strange, "\ud800 alone", "same", "same"]);
    },
  },
  {
    name: "bytes arrive as the bytes that were sent: every value, empty, and 1 byte",
    async run(stage) {
      const [a, ...others] = await stage.cluster("data");
      const part = bytesOf(1_000).subarray(100, 200);
      const likeText = new TextEncoder().encode("hello");
      await checkArrives(a, others, [
        bytesOf(256),
        bytesOf(0),
        bytesOf(1),
        new Uint8Array([255]),
        part,
        likeText,
      ]);
      const [{ data }] = others[0].received;
      check(
        Object.getPrototypeOf(data) === Uint8Array.prototype,
        "Bytes arrived as another type than Uint8Array",
      );
    },
  },
  {
    name: "1 MiB, or the documented limit, arrives as text and as bytes",
    async run(stage) {
      const [a, ...others] = await stage.cluster("data");
      const size = Math.min(a.adapter.maxMessageBytes ?? MEBIBYTE, MEBIBYTE);
      await checkArrives(a, others, [textOf(size), "small", bytesOf(size)]);
    },
  },
  {
    name: "bytes that the publisher changes after the call arrive as they were",
    async run(stage) {
      const [a, b, c] = await stage.cluster("data");
      const bytes = bytesOf(1_000);
      a.publish("data", bytes);
      bytes.fill(7);
      a.publish("data", "the end");
      for (const node of [b, c]) {
        await node.got("data", "the end");
        checkSame(node.on("data")[0], bytesOf(1_000), "The bytes");
      }
    },
  },
  {
    name: "a message over the limit is refused with a report and its size, or carried, and hurts no other",
    async run(stage) {
      const [a, b] = await stage.cluster("data");
      const limit = a.adapter.maxMessageBytes;
      // An adapter without a limit carries it.
      const message = textOf((limit ?? 2 * MEBIBYTE) + 1);
      a.publish("data", "before");
      a.publish("data", message);
      a.publish("data", "after");
      await b.got("data", "after");
      const carried = b.on("data").includes(message);
      checkSame(b.on("data").length, carried ? 3 : 2, "How many messages arrived");
      if (carried) return;
      await a.until(
        () => a.errors.some(({ stage }) => stage === "publish"),
        "a report of the refused publish",
      );
      const { error } = a.errors.find(({ stage }) => stage === "publish")!;
      check((error as { code?: unknown }).code === "TOO_LARGE", "The report's code is not TOO_LARGE");
      check(
        error.message.replaceAll(/\D/g, "").includes(`${limit! + 1}`),
        "The report does not contain the size",
      );
    },
  },
];
