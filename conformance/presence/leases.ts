import type { PresenceRemoval } from "../../adapters/presence_store.ts";
import { check, checkSame, until } from "../check.ts";
import type { PresenceCase, PresenceNode, PresenceStage } from "./stage.ts";

const needsForget: PresenceCase["needs"] = ({ forget }) =>
  forget ? undefined : "the setup cannot delete the stored data (forget)";

/** Waits until a lease has expired. */
async function runsOut(stage: PresenceStage, watcher: PresenceNode, node: string): Promise<void> {
  let gone = false;
  const poll = async () => {
    while (!gone) {
      gone = (await watcher.expired()).includes(node);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const polling = poll();
  await until(() => gone, () => "a lease to expire", stage.waitMs);
  await polling;
}

/** The ids of removed connections by place, sorted. */
function byPlace(removals: readonly PresenceRemoval[]): Record<string, string[]> {
  const ids: Record<string, string[]> = {};
  for (const removal of removals) (ids[removal.place] ??= []).push(...removal.ids);
  for (const list of Object.values(ids)) list.sort();
  return Object.fromEntries(Object.entries(ids).sort(([x], [y]) => x < y ? -1 : 1));
}

export const leaseCases: readonly PresenceCase[] = [
  {
    name: "the first touch gives a lease, and those after it keep it",
    async run(stage) {
      const a = await stage.node();
      checkSame((await a.touch()).kept, true, "Kept");
      checkSame(await a.expired(), [], "The expired nodes");
    },
  },
  {
    name: "a lease that is not touched runs out, and every node is told until it is purged",
    async run(stage) {
      const a = await stage.node(stage.ttlMs);
      const [b, c] = [await stage.node(), await stage.node()];
      await a.put("lobby", "a1");
      await runsOut(stage, b, a.id);
      checkSame(await c.expired(), [a.id], "The expired nodes on another node");
      checkSame(await b.ids("lobby"), ["a1"], "The members before the purge");
      checkSame((await c.purge(a.id)).left, 0, "How long the lease lasts");
      checkSame([await b.expired(), await c.expired()], [[], []], "The expired nodes after that");
    },
  },
  {
    name: "a touch with no time ends the lease at once",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      await a.put("lobby", "a1");
      await a.touch(0);
      await runsOut(stage, b, a.id);
      checkSame(await b.ids("lobby"), ["a1"], "The members before the purge");
    },
  },
  {
    name: "a node whose lease lasts is not purged, and whoever tries is told for how long",
    async run(stage) {
      const [a, b] = [await stage.node(60_000), await stage.node()];
      await a.put("lobby", "a1");
      const { left, removals } = await b.purge(a.id);
      check(left > 50_000 && left <= 60_000, `The lease is said to last ${left} ms`);
      checkSame(removals, [], "What was removed");
      checkSame(await b.ids("lobby"), ["a1"], "The members");
      checkSame((await b.purge("nobody")).left, 0, "The lease of an unknown node");
    },
  },
  {
    name: "a purge removes what the node has in all places, and of no other node, each with a version",
    async run(stage) {
      const [a, b] = [await stage.node(stage.ttlMs), await stage.node()];
      await a.write("one", { put: [a.entry("a1", { user: "u" }), a.entry("a2")] });
      await a.put("two", "a3");
      await a.put("three", "a4");
      await a.drop("three", "a4");
      await b.put("one", "b1", { user: "u" });
      const before = await b.version("one");
      await runsOut(stage, b, a.id);
      const { removals } = await b.purge(a.id);
      checkSame(byPlace(removals), { one: ["a1", "a2"], two: ["a3"] }, "What was removed");
      const versions = removals.filter(({ place }) => place === "one").map(({ version }) => version);
      checkSame(versions.at(-1), await b.version("one"), "The version of the last removal");
      checkSame(versions.map(([epoch]) => epoch), versions.map(() => before[0]), "The epochs");
      checkSame(versions.map(([, n]) => n), versions.map((_, i) => before[1] + 1 + i), "The numbers");
      checkSame([await b.ids("one"), await b.ids("two")], [["b1"], []], "The members that are left");
      checkSame([await b.count("one", "user"), await b.count("two", "user")], [1, 0], "The counts");
    },
  },
  {
    name: "ten that purge a node at once are told of each of its connections once in all",
    async run(stage) {
      const a = await stage.node(stage.ttlMs);
      const nodes: PresenceNode[] = [];
      for (let i = 0; i < 10; i++) nodes.push(await stage.node());
      const places = Array.from({ length: 30 }, (_, i) => `place ${i}`);
      for (const place of places) {
        await a.write(place, { put: Array.from({ length: 20 }, (_, i) => a.entry(`${place}.${i}`)) });
      }
      await runsOut(stage, nodes[0]!, a.id);
      const purges = await Promise.all(nodes.map((node) => node.purge(a.id)));
      const removed = purges.flatMap(({ removals }) => removals.flatMap(({ ids }) => ids));
      checkSame(
        [removed.length, new Set(removed).size],
        [600, 600],
        "The number of removals, and of different ids",
      );
      checkSame(purges.map(({ left }) => left), nodes.map(() => 0), "How long the lease lasts");
      checkSame(await nodes[0]!.store.count(places[0]!, "connection"), 0, "How many are left");
    },
  },
  {
    name: "a node that leaves purges itself, though its lease lasts",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      await a.put("lobby", "a1");
      checkSame(byPlace((await a.purge(a.id, true)).removals), { lobby: ["a1"] }, "What was removed");
      checkSame([await b.ids("lobby"), await b.expired()], [[], []], "What is left of it");
    },
  },
  {
    name:
      "a node that comes back has a new lease: what it has put since is not purged with what it had before",
    async run(stage) {
      const [a, b] = [await stage.node(stage.ttlMs), await stage.node()];
      await a.put("lobby", "a1");
      await runsOut(stage, b, a.id);
      checkSame((await a.touch()).kept, false, "Kept");
      await a.write("lobby", { put: [a.entry("a2")], all: true });
      const { left, removals } = await b.purge(a.id);
      check(left > 0, "The new lease is not known");
      checkSame(removals, [], "What was removed");
      checkSame(await b.ids("lobby"), ["a2"], "The members");
    },
  },
  {
    name: "a node that was purged and comes back is told so, and may put everything again",
    async run(stage) {
      const [a, b] = [await stage.node(stage.ttlMs), await stage.node()];
      await a.put("lobby", "a1");
      await runsOut(stage, b, a.id);
      await b.purge(a.id);
      const touched = await a.touch(60_000, { lobby: 1 });
      checkSame(touched.kept, false, "Kept");
      await a.write("lobby", { put: [a.entry("a1")], all: true });
      checkSame(await b.ids("lobby"), ["a1"], "The members");
      checkSame((await a.touch(60_000, { lobby: 1 })).kept, true, "Kept after that");
      checkSame(byPlace((await a.purge(a.id, true)).removals), { lobby: ["a1"] }, "What it has");
    },
  },
  {
    name: "what was lost is told: the lease is a new one, and places have new epochs",
    needs: needsForget,
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const { version: [before] } = await a.put("lobby", "a1");
      await stage.forget();
      checkSame(await b.page("lobby"), { version: ["", 0], entries: [], count: 0 }, "What is left");
      checkSame((await a.touch(60_000, { lobby: 1 })).kept, false, "Kept");
      await b.touch();
      const { version: [after, number] } = await a.write("lobby", { put: [a.entry("a1")], all: true });
      check(after !== before && after !== "", "The epoch is that of before");
      checkSame(number, 1, "The number");
      checkSame(await b.ids("lobby"), ["a1"], "The members");
    },
  },
];
