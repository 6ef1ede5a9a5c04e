import { check, checkSame } from "../check.ts";
import type { CaseDefinition, Node, Stage } from "./stage.ts";

/** One node for each prefix. The nodes open at the same time. */
function openAll(stage: Stage, ...prefixes: string[]): Promise<Node[]> {
  return Promise.all(prefixes.map((prefix) => stage.open(prefix)));
}

export const isolationCases: readonly CaseDefinition[] = [
  {
    name: "two prefixes on one backplane never meet",
    async run(stage) {
      const prefixes = [`${stage.prefix}-one`, `${stage.prefix}-two`];
      const nodes = await openAll(stage, ...prefixes, ...prefixes);
      const [a1, a2, b1, b2] = nodes as [Node, Node, Node, Node];
      for (const node of [a1, b1, a2, b2]) await node.subscribe("news");
      a1.publish("news", "one");
      a2.publish("news", "two");
      await Promise.all([b1.got("news", "one"), b2.got("news", "two")]);
      // Publishes back, so that a message to the wrong prefix has time to arrive.
      b1.publish("news", "one again");
      b2.publish("news", "two again");
      await Promise.all([a1.got("news", "one again"), a2.got("news", "two again")]);
      checkSame([a1.received.length, b1.received.length], [1, 1], "Messages of the first prefix");
      checkSame([a2.received.length, b2.received.length], [1, 1], "Messages of the second prefix");
    },
  },
  {
    name: "a prefix and a channel that spell the same together as another pair never meet",
    async run(stage) {
      for (const separator of [":", ".", "/", "-", "_", ""]) {
        const [prefix, longer] = [`${stage.prefix}x`, `${stage.prefix}x${separator}y`];
        const nodes = await openAll(stage, prefix, longer, longer);
        const [outer, inner, innerPeer] = nodes as [Node, Node, Node];
        await Promise.all([inner.subscribe("z"), innerPeer.subscribe("z")]);
        outer.publish(`y${separator}z`, "astray");
        outer.publish(`${separator}yz`, "astray");
        innerPeer.publish("z", "right");
        await inner.got("z", "right");
        inner.publish("z", "back");
        await innerPeer.got("z", "back");
        checkSame([inner.received.length, innerPeer.received.length], [1, 1], `Messages with "${separator}"`);
      }
    },
  },
  {
    name: "foreign and malformed data on our channels is ignored and reported, and hurts nobody",
    needs: ({ injectForeign }) => injectForeign ? undefined : "the setup cannot inject foreign data",
    async run(stage) {
      const [a, b, c] = await stage.cluster("news");
      await stage.setup.injectForeign!({ prefix: stage.prefix, channel: "news" });
      await b.until(() => b.errors.some(({ stage }) => stage === "delivery"), "a report of stage delivery");
      const reports = b.errors.length;
      for (let i = 0; i < 20; i++) {
        await stage.setup.injectForeign!({ prefix: stage.prefix, channel: "news" });
      }
      a.publish("news", "ours");
      await Promise.all([b.got("news", "ours"), c.got("news", "ours")]);
      for (const node of [b, c]) checkSame(node.on("news"), ["ours"], "What arrived");
      check(
        b.errors.length - reports < 20,
        "Every foreign message is reported: a flood of them would flood the log",
      );
    },
  },
];
