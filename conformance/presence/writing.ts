import { check, checkRejects, checkSame, seededRandom } from "../check.ts";
import type { PresenceCase } from "./stage.ts";

/** Names that may cause trouble in a protocol, a script or a sorted list. */
const ODD_NAMES = [
  "",
  " ",
  "a",
  "a ",
  "A",
  "a:b",
  "{a}",
  "*",
  "\u0000",
  "a\u0000b",
  "\u0001",
  "\u0001a",
  '"',
  "\\",
  "\n",
  "ü",
  "\uffff",
  "𝄞",
  "__proto__",
  "constructor",
  "0",
  "x".repeat(5_000),
];
const ODD_STATES = [
  "null",
  '""',
  "{}",
  '"\\u0000"',
  '"𝄞"',
  "[[[]]]",
  `"${"x".repeat(100_000)}"`,
  "1e400",
  "-0",
];

export const writingCases: readonly PresenceCase[] = [
  {
    name: "a place in which nobody ever was has no epoch and no members",
    async run(stage) {
      const a = await stage.node();
      const page = await a.page("lobby");
      checkSame(
        [page.version, page.entries, page.count, page.cursor ?? null],
        [["", 0], [], 0, null],
        "The page",
      );
      checkSame(await a.version("lobby"), ["", 0], "The version");
      checkSame([await a.count("lobby", "user"), await a.count("lobby", "connection")], [0, 0], "The counts");
    },
  },
  {
    name: "every change has the next number of one epoch, whichever node makes it, and nothing else has one",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const first = await a.put("lobby", "a1", { user: "u" });
      const [epoch] = first.version;
      check(epoch.length > 0 && epoch.length <= 64, `The epoch has ${epoch.length} characters`);
      checkSame([first.version[1], first.changed], [1, true], "The first put");
      const steps = [
        [() => b.put("lobby", "b1"), 2, true],
        [() => a.put("lobby", "a1", { user: "u" }), 2, false],
        [() => a.put("lobby", "a1", { user: "u", state: "1" }), 3, true],
        [() => a.put("lobby", "a1", { user: "u", state: "1", at: 2 }), 4, true],
        [() => b.drop("lobby", "nobody"), 4, false],
        [() => b.drop("lobby", "b1"), 5, true],
        [() => a.write("lobby", { put: [a.entry("a2"), a.entry("a3")], drop: ["a1"] }), 6, true],
        [() => a.drop("lobby", "a2", "a3"), 7, true],
        [() => b.put("lobby", "b1"), 8, true],
      ] as const;
      for (const [i, [step, number, changed]] of steps.entries()) {
        const written = await step();
        checkSame([written.version, written.changed], [[epoch, number], changed], `Step ${i + 1}`);
        checkSame(await b.version("lobby"), [epoch, number], `The version after step ${i + 1}`);
      }
    },
  },
  {
    name: "what was written is read on every node, as it was, as soon as the write has resolved",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      for (const [i, state] of [undefined, ...ODD_STATES].entries()) {
        const { version } = await a.put("lobby", "a1", { user: "u", state, at: 1_700_000_000_000 + i });
        const page = await b.page("lobby");
        checkSame(page.version, version, "The version on the other node");
        checkSame(
          page.entries,
          [a.entry("a1", { user: "u", state, at: 1_700_000_000_000 + i })],
          "The entry",
        );
      }
    },
  },
  {
    name: "a drop tells which ids were in, and a node drops its own connections only",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      await a.write("lobby", { put: [a.entry("a1"), a.entry("a2")] });
      await b.put("lobby", "b1");
      const written = await a.drop("lobby", "a1", "nobody", "b1");
      checkSame([written.dropped, written.changed], [["a1"], true], "What was dropped");
      checkSame(await b.ids("lobby"), ["a2", "b1"], "The members");
    },
  },
  {
    name: "a write of all that a node has drops whatever else it had, and of no other node",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      await a.write("lobby", { put: ["a1", "a2", "a3"].map((id) => a.entry(id)) });
      await b.put("lobby", "b1");
      const put = [a.entry("a2"), a.entry("a4")];
      const written = await a.write("lobby", { put, all: true });
      checkSame([...written.dropped].sort(), ["a1", "a3"], "What was dropped");
      checkSame(await b.ids("lobby"), ["a2", "a4", "b1"], "The members");
      checkSame((await a.write("lobby", { put, all: true })).changed, false, "Changed by the same again");
      checkSame((await a.write("lobby", { all: true })).dropped.length, 2, "How many an empty one drops");
      checkSame(await b.ids("lobby"), ["b1"], "The members that are left");
    },
  },
  {
    name: "what one node writes is done in the order of its calls, which need not wait for each other",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const writes = Array.from({ length: 200 }, (_, i) => a.put("lobby", "a1", { state: `${i}`, at: i }));
      const numbers = (await Promise.all(writes)).map(({ version }) => version[1]);
      checkSame(numbers, numbers.map((_, i) => i + 1), "The versions");
      checkSame((await b.page("lobby")).entries[0]?.state, "199", "The state in the end");
    },
  },
  {
    name: "several nodes write at once: every change has a number of its own, and all nodes read the same",
    async run(stage) {
      const nodes = [await stage.node(), await stage.node(), await stage.node()];
      const random = seededRandom(7);
      const truth = new Set<string>();
      const writes = nodes.flatMap((node, n) =>
        Array.from({ length: 60 }, () => {
          const id = `${n}.${Math.floor(random() * 20)}`;
          if (!truth.delete(id)) truth.add(id);
          return truth.has(id) ? node.put("lobby", id, { user: `u${id.at(-1)}` }) : node.drop("lobby", id);
        })
      );
      const numbers = (await Promise.all(writes)).map(({ version }) => version[1]).sort((x, y) => x - y);
      checkSame(numbers, numbers.map((_, i) => i + 1), "The versions");
      for (const node of nodes) checkSame(await node.ids("lobby"), [...truth].sort(), "The members");
    },
  },
  {
    name: "places, users and connections may have any name, and have nothing to do with each other",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      for (const place of ODD_NAMES) await a.put(place, "a1", { user: place });
      for (const place of ODD_NAMES) {
        checkSame((await b.page(place)).entries, [a.entry("a1", { user: place })], `The members of ${place}`);
      }
      const put = ODD_NAMES.map((id, i) => a.entry(id, i % 2 ? { user: id } : {}));
      await a.write("names", { put });
      for (const limit of [1, 2, 3, 100]) {
        for (const by of ["connection", "user"] as const) {
          const entries = await b.all("names", by, limit);
          const sorted = entries.map(({ id }) => id).sort();
          checkSame(sorted, put.map(({ id }) => id).sort(), `All by ${by} in pages of ${limit}`);
        }
      }
      for (const { id } of put) checkSame((await a.drop("names", id)).dropped, [id], "What was dropped");
      checkSame(await b.page("names").then(({ count }) => count), 0, "How many are left");
    },
  },
  {
    name: "a node that has no lease cannot write",
    async run(stage) {
      const a = await stage.node();
      const entry = { ...a.entry("x1"), node: "another" };
      await checkRejects(a.store.write("another", "lobby", { put: [entry], drop: [] }), "The write");
      checkSame(await a.ids("lobby"), [], "The members");
    },
  },
  {
    name: "two prefixes never meet",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.stranger()];
      await a.put("lobby", "a1");
      await b.put("lobby", "b1");
      checkSame([await a.ids("lobby"), await b.ids("lobby")], [["a1"], ["b1"]], "The members");
      checkSame((await b.purge(a.id, true)).removals, [], "What another application purges");
      checkSame(await a.ids("lobby"), ["a1"], "The members after that");
    },
  },
];
