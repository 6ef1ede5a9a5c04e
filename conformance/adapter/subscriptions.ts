import { check, checkRejects, checkSame, settles } from "../check.ts";
import { type CaseDefinition, FENCE, passBy } from "./stage.ts";

/** Channel names that are special for some backplane, or for JavaScript. All are different. */
const NAMES: readonly string[] = [
  ..."with some spaces| leading|trailing |tab\tand\nnew line\r\n|nul\0inside".split("|"),
  ...[
    "room:1",
    "room:*",
    "room.*",
    "room.>",
    ">",
    "*",
    "**",
    "#",
    "$SYS.1",
    "+/x",
    "/",
    "\\",
    ".",
    "..",
    "a..b",
    ".a",
    "a.",
  ],
  ...["[abc]", "h?llo", "{tag}", "'quote", '"double"', "semi;colon", "%20", "%", "a=b&c", "-", "_", "@", "~"],
  ...[
    "é",
    "e\u0301",
    "名前",
    "💥",
    "שלום",
    "\u202e",
    "\ufeff",
    "Case",
    "case",
    "1",
    "01",
    "null",
    "undefined",
  ],
  ...["__proto__", "constructor", "toString", "hasOwnProperty"],
  "long".repeat(100),
];

export const subscriptionCases: readonly CaseDefinition[] = [
  {
    name: "subscribe resolves only when a message published right after it by another node arrives",
    async run(stage) {
      const [a, b] = await stage.cluster();
      for (let i = 0; i < 50; i++) {
        const channel = `channel ${i}`;
        await b.subscribe(channel);
        a.publish(channel, "at once");
        await b.got(channel, "at once");
      }
    },
  },
  {
    name: "concurrent subscribes on one node and on several are each live when they resolve",
    async run(stage) {
      const [a, ...others] = await stage.cluster();
      const channels = Array.from({ length: 20 }, (_, i) => `channel ${i}`);
      await Promise.all(others.flatMap((node) =>
        channels.map(async (channel) => {
          await node.subscribe(channel);
          a.publish(channel, `for ${node.nodeId}`);
        })
      ));
      for (const node of others) {
        for (const channel of channels) await node.got(channel, `for ${node.nodeId}`);
      }
    },
  },
  {
    name:
      "a subscribe whose signal is aborted already rejects with its reason; later the signal means nothing",
    async run(stage) {
      const [a, b, c] = await stage.cluster(FENCE);
      const reason = new Error("not wanted any more");
      const error = await checkRejects(
        settles(
          b.adapter.subscribe("news", { signal: AbortSignal.abort(reason) }),
          "the subscribe",
          stage.waitMs,
        ),
        "A subscribe whose signal is aborted",
      );
      check(error === reason, `It rejected with "${error.message}", not with the signal's reason`);
      await c.subscribe("news");
      await passBy(a, b, c, "news", "missed");
      const given = new AbortController();
      await b.adapter.subscribe("news", given);
      given.abort(reason);
      a.publish("news", "seen");
      await b.got("news", "seen");
      checkSame(b.on("news"), ["seen"], "What arrived");
    },
  },
  {
    name: "a node that joins is reached at once, and reaches the others at once",
    async run(stage) {
      const [a] = await stage.cluster("news");
      const late = await stage.open();
      late.publish("news", "I am here");
      await late.subscribe("news");
      a.publish("news", "welcome");
      await Promise.all([late.got("news", "welcome"), a.got("news", "I am here")]);
      checkSame(late.on("news"), ["welcome"], "What the new node got");
    },
  },
  {
    name: "a count of a channel's listeners, if there is one, is that of the nodes that listen",
    async run(stage) {
      const [a, b, c] = await stage.cluster();
      await a.subscribe("counted");
      const first = await a.adapter.countListeners?.("counted");
      if (first === undefined) return; // this backplane cannot count
      check(first === 1, `One node listens, and ${first} were counted`);
      await b.subscribe("counted", "another");
      await c.subscribe("another");
      const both = await b.adapter.countListeners?.("counted");
      check(both === 2, `Two nodes listen, and ${both} were counted`);
    },
  },
  {
    name: "unsubscribe stops delivery, subscribe again works",
    async run(stage) {
      const [a, b, c] = await stage.cluster("news", FENCE);
      for (let round = 0; round < 5; round++) {
        await b.unsubscribe("news");
        await passBy(a, b, c, "news", `missed ${round}`);
        await b.subscribe("news");
        a.publish("news", `seen ${round}`);
        await b.got("news", `seen ${round}`);
      }
      const seen = Array.from({ length: 5 }, (_, i) => `seen ${i}`);
      checkSame(b.on("news"), seen, "What the node got after it subscribed again");
    },
  },
  {
    name: "subscribing and unsubscribing in turn, without waiting for a message, ends as the last call said",
    async run(stage) {
      const [a, b, c] = await stage.cluster("flipped", FENCE);
      for (let i = 0; i < 20; i++) {
        await b.unsubscribe("flipped");
        a.publish("flipped", `${i}`);
        await b.subscribe("flipped");
      }
      await b.unsubscribe("flipped");
      await passBy(a, b, c, "flipped", "missed");
      await b.subscribe("flipped");
      a.publish("flipped", "seen");
      await b.got("flipped", "seen");
      // Messages published around the subscribe may arrive or not, but none may arrive twice.
      check(!b.on("flipped").includes("missed"), "A message arrived from before the subscribe");
      checkSame(new Set(b.on("flipped")).size, b.on("flipped").length, "How many of the messages differ");
    },
  },
  {
    name:
      "a channel that is left and subscribed to again in one turn is live, and neither call waits for ever",
    async run(stage) {
      const [a, b] = await stage.cluster("flipped");
      for (let i = 0; i < 5; i++) {
        await Promise.all([b.unsubscribe("flipped"), b.subscribe("flipped")]);
        a.publish("flipped", `seen ${i}`);
        await b.got("flipped", `seen ${i}`);
      }
    },
  },
  {
    name: "1,000 channels: each delivers its own messages, and nothing that nobody subscribes to",
    async run(stage) {
      const [a, b, c] = await stage.cluster();
      const channels = Array.from({ length: 1_000 }, (_, i) => `channel/${i}`);
      await Promise.all([b.subscribe(...channels, FENCE), c.subscribe(...channels.slice(990))]);
      for (const channel of channels) a.publish(channel, channel);
      await Promise.all([
        b.until(() => b.received.length >= 1_000, "1,000 messages"),
        c.until(() => c.received.length >= 10, "10 messages"),
      ]);
      const first = b.received.slice();
      checkSame(
        first.map(({ data }) => data).sort(),
        channels.toSorted(),
        "What the node with all channels got",
      );
      check(first.every(({ channel, data }) => channel === data), "A message came on another channel");
      await b.unsubscribe(...channels.slice(1));
      for (const channel of channels) a.publish(channel, "again");
      await b.got(channels[0], "again");
      await passBy(a, b, c, channels[999], "missed");
      await b.subscribe(channels[999]);
      a.publish(channels[999], "the end");
      await b.got(channels[999], "the end");
      checkSame(b.received.slice(1_000).filter(({ channel }) => channel !== FENCE).map(({ data }) => data), [
        "again",
        "the end",
      ], "What came after it left all channels but one, and joined one again");
      await c.got(channels[999], "the end");
      checkSame(c.received.length, 22, "How many messages the node with 10 channels got");
    },
  },
  {
    name: "a channel name with spaces, unicode, `:`, `*`, `>`, `.` is a name like any other",
    async run(stage) {
      const [a, b] = await stage.cluster(...NAMES);
      for (const name of NAMES) a.publish(name, `on ${name}`);
      for (const name of NAMES) await b.got(name, `on ${name}`);
      checkSame(b.received.length, NAMES.length, "How many messages arrived");
      await b.unsubscribe(...NAMES.slice(1));
      for (const name of NAMES.toReversed()) a.publish(name, "later");
      await b.got(NAMES[0], "later");
      await b.subscribe(...NAMES.slice(1));
      for (const name of NAMES) a.publish(name, "again");
      for (const name of NAMES) await b.got(name, "again");
      checkSame(b.received.length, 2 * NAMES.length + 1, "How many messages arrived in the end");
    },
  },
  {
    name: "a channel name is never a pattern: `a*` does not receive what is published on `ab`",
    async run(stage) {
      const patterns = ["a*", "a?", "a.*", "a.>", "a:#", "*", ">", "[a]b"];
      const names = ["ab", "a.b", "a.b.c", "a:b", "a"];
      const [a, b, c] = await stage.cluster();
      await Promise.all([b.subscribe(...patterns), c.subscribe(...names)]);
      for (const name of names) a.publish(name, "exact");
      for (const name of names) await c.got(name, "exact");
      for (const pattern of patterns) a.publish(pattern, "exact");
      for (const pattern of patterns) await b.got(pattern, "exact");
      checkSame(b.received.length, patterns.length, "How many messages the node with patterns as names got");
    },
  },
];
