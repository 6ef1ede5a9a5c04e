import { check, checkRejects, checkSame, settles } from "../check.ts";
import type { CaseDefinition } from "./stage.ts";

export const lifecycleCases: readonly CaseDefinition[] = [
  {
    name: "open reports up, and a node that is open has reported nothing else",
    async run(stage) {
      const nodes = await stage.cluster("news");
      for (const node of nodes) {
        await node.until(() => node.status === "up", "status up");
        checkSame([node.statuses, node.troubles], [["up"], []], "What a healthy node reported");
      }
    },
  },
  {
    name: "an adapter has a name, and opens once",
    async run(stage) {
      const a = await stage.open();
      check(a.adapter.name.length > 0, "The adapter's name is empty");
      check(!a.adapter.solitary, "The adapter says that it never reaches another node");
      await checkRejects(a.adapter.open(a.context), "A second open");
    },
  },
  {
    name: "gauges, if there are any, are finite numbers before open, while it is open and after close",
    async run(stage) {
      const node = await stage.node();
      const check = (when: string) =>
        checkSame(
          Object.entries(node.adapter.gauges?.() ?? {}).filter(([, value]) => !Number.isFinite(value)),
          [],
          `Gauges that are not numbers ${when}`,
        );
      check("before open");
      await settles(node.open(), "open", stage.waitMs);
      check("while it is open");
      await settles(node.adapter.close(), "close", stage.waitMs);
      check("after close");
    },
  },
  {
    name: "close is idempotent",
    async run(stage) {
      const [a] = await stage.cluster("news");
      await settles(Promise.all([a.adapter.close(), a.adapter.close()]), "two closes at once", stage.waitMs);
      await settles(a.adapter.close(), "a third close", stage.waitMs);
      await settles(a.adapter[Symbol.asyncDispose](), "the disposal", stage.waitMs);
    },
  },
  {
    name: "close before open is a no-op, and the adapter cannot be opened any more",
    async run(stage) {
      const node = await stage.node();
      await settles(node.adapter.close(), "close before open", stage.waitMs);
      await settles(node.adapter.close(), "a second close before open", stage.waitMs);
      await checkRejects(settles(node.open(), "open after close", stage.waitMs), "Opening a closed adapter");
      checkSame([node.statuses, node.troubles], [[], []], "What a node that was never open reported");
    },
  },
  {
    name: "close while opening settles both",
    async run(stage) {
      const node = await stage.node();
      const opening = node.open().then(() => "opened", () => "refused");
      await settles(node.adapter.close(), "close", stage.waitMs);
      await settles(opening, "open", stage.waitMs);
    },
  },
  {
    name: "close while subscribing settles both",
    async run(stage) {
      const node = await stage.open();
      const channels = Array.from({ length: 10 }, (_, i) => `channel ${i}`);
      const subscribing = channels.map((channel) => node.adapter.subscribe(channel).then(() => {}, () => {}));
      await settles(node.adapter.close(), "close", stage.waitMs);
      await settles(Promise.all(subscribing), "the subscribes", stage.waitMs);
    },
  },
  {
    name: "what was published before close arrives",
    async run(stage) {
      const [a, b, c] = await stage.cluster("news");
      for (let i = 0; i < 100; i++) a.publish("news", `${i}`);
      await settles(a.adapter.close(), "close", stage.waitMs);
      await Promise.all([b.got("news", "99"), c.got("news", "99")]);
      checkSame(b.on("news").length, 100, "How many messages arrived");
    },
  },
  {
    name: "a closed node gets and reports nothing any more, its calls hurt nobody, and the others go on",
    async run(stage) {
      const [a, b, c] = await stage.cluster("news");
      a.publish("news", "under way");
      await settles(c.adapter.close(), "close", stage.waitMs);
      const before = [c.received.length, c.errors.length, c.statuses.length];
      c.publish("news", "from the grave");
      await checkRejects(
        settles(c.adapter.subscribe("late"), "subscribe", stage.waitMs),
        "Subscribing when closed",
      );
      a.publish("news", "hello");
      await b.got("news", "hello");
      b.publish("news", "back");
      await a.got("news", "back");
      checkSame(
        [c.received.length, c.errors.length, c.statuses.length],
        before,
        "What a closed node got and reported",
      );
      checkSame(b.on("news"), ["under way", "hello"], "What the other node got");
    },
  },
  {
    name: "a client that the adapter was given is open and usable after close",
    needs: ({ createWithClient }) => createWithClient ? undefined : "the adapter takes no client",
    async run(stage) {
      const { adapter, useClient, endClient } = await stage.setup.createWithClient!({ prefix: stage.prefix });
      try {
        const node = await stage.node({ adapter });
        await settles(node.open(), "open", stage.waitMs);
        await node.subscribe("news");
        const other = await stage.open();
        other.publish("news", "hello");
        await node.got("news", "hello");
        await settles(adapter.close(), "close", stage.waitMs);
        await settles(useClient(), "the client", stage.waitMs);
        other.publish("news", "later");
        await settles(useClient(), "the client", stage.waitMs);
        checkSame(node.received.length, 1, "How many messages the closed node got");
      } finally {
        await endClient();
      }
    },
  },
];
