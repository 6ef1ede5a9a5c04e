import { check, checkSame } from "../check.ts";
import type { PresenceCase } from "./stage.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

export const readingCases: readonly PresenceCase[] = [
  {
    name:
      "a user with several connections, on several nodes, is one member; each anonymous connection is one",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const counts = async () => [await b.count("lobby", "user"), await a.count("lobby", "connection")];
      await a.put("lobby", "a1", { user: "u" });
      await b.put("lobby", "b1", { user: "u" });
      await b.put("lobby", "b2");
      await b.put("lobby", "b3");
      checkSame(await counts(), [3, 4], "The counts");
      checkSame((await a.page("lobby", "user")).count, 3, "The count of a page");
      await a.drop("lobby", "a1");
      checkSame(await counts(), [3, 3], "The counts without one of the user's connections");
      await b.drop("lobby", "b1", "b2");
      checkSame(await counts(), [1, 1], "The counts in the end");
    },
  },
  {
    name: "of a user's connections that with the newest state shows, and of equals always the same",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const shown = async () => {
        const [one, other] = [await a.page("lobby", "user"), await b.page("lobby", "user")];
        checkSame(one.entries, other.entries, "What the nodes show");
        return one.entries[0]!.id;
      };
      await a.put("lobby", "a1", { user: "u", state: "1", at: 5 });
      await b.put("lobby", "b1", { user: "u", state: "2", at: 9 });
      await b.put("lobby", "b2", { user: "u", state: "3", at: 7 });
      checkSame(await shown(), "b1", "The newest");
      await a.put("lobby", "a1", { user: "u", state: "4", at: 10 });
      checkSame(await shown(), "a1", "One that is newer");
      await a.drop("lobby", "a1");
      checkSame(await shown(), "b1", "The next one");
      await b.put("lobby", "b2", { user: "u", state: "3", at: 9 });
      const tied = await shown();
      await b.drop("lobby", tied);
      await b.put("lobby", tied, { user: "u", at: 9 });
      checkSame(await shown(), tied, "The same one of two equal states");
    },
  },
  {
    name: "a connection that changes its user counts for the other one from then on",
    async run(stage) {
      const a = await stage.node();
      await a.put("lobby", "a1");
      await a.put("lobby", "a1", { user: "u" });
      await a.put("lobby", "a1", { user: "v" });
      checkSame([await a.count("lobby", "user"), await a.count("lobby", "connection")], [1, 1], "The counts");
      checkSame(await a.all("lobby", "user"), [a.entry("a1", { user: "v" })], "The members");
      await a.drop("lobby", "a1");
      checkSame(
        [await a.count("lobby", "user"), await a.count("lobby", "connection")],
        [0, 0],
        "The counts after the drop",
      );
    },
  },
  {
    name: "pages of any size hold every member once, in one order",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      for (const node of [a, b]) {
        const put = range(50).map((i) =>
          node.entry(`${node.id}.${i}`, i % 5 === 0 ? {} : { user: `u${i % 17}`, at: i })
        );
        await node.write("lobby", { put });
      }
      for (const by of ["connection", "user"] as const) {
        const whole = await a.all("lobby", by);
        checkSame(whole.length, await a.count("lobby", by), `The number of members by ${by}`);
        for (const limit of [1, 3, 10, whole.length, whole.length + 1]) {
          checkSame(await b.all("lobby", by, limit), whole, `All by ${by} in pages of ${limit}`);
        }
        const last = await b.page("lobby", by, whole.length);
        checkSame(last.cursor ?? null, null, "The cursor of a page that holds all");
      }
    },
  },
  {
    name: "a user with more connections than a page has members is in one page, and one member",
    async run(stage) {
      const a = await stage.node();
      const put = range(40).map((i) => a.entry(`c${i}`, { user: i < 30 ? "m" : `${i}`, at: i }));
      await a.write("lobby", { put });
      const members = await a.all("lobby", "user", 2);
      checkSame(members.length, 11, "How many members");
      checkSame(members.find(({ user }) => user === "m")?.id, "c29", "The connection that shows");
    },
  },
  {
    name: "a cursor goes on after a member that has left meanwhile",
    async run(stage) {
      const a = await stage.node();
      await a.write("lobby", { put: range(10).map((i) => a.entry(`c${i}`, { user: `u${i}` })) });
      for (const by of ["connection", "user"] as const) {
        const first = await a.page("lobby", by, 4);
        const [last] = first.entries.slice(-1);
        await a.drop("lobby", last!.id);
        const rest = (await a.page("lobby", by, 100, first.cursor)).entries.map(({ id }) => id);
        const before = first.entries.map(({ id }) => id);
        checkSame(rest.filter((id) => before.includes(id)), [], "What is in both pages");
        checkSame(rest.length, 6, "How many come after it");
        await a.write("lobby", { put: [last!] });
      }
    },
  },
  {
    name: "a cursor that no page has ended with, as clients may make up, is no error",
    async run(stage) {
      const a = await stage.node();
      await a.write("lobby", { put: range(3).map((i) => a.entry(`c${i}`, { user: `u${i}` })) });
      for (const by of ["connection", "user"] as const) {
        for (
          const cursor of [
            "",
            "-",
            "+",
            "(",
            "[",
            "u",
            "=u1",
            "@",
            "\0",
            "\x01",
            "ü 🙂",
            "*",
            "x".repeat(10_000),
          ]
        ) {
          const { entries, count } = await a.page("lobby", by, 2, cursor);
          checkSame(
            [entries.length <= 2, count],
            [true, 3],
            `A page by ${by} after ${JSON.stringify(cursor)}`,
          );
        }
      }
    },
  },
  {
    name: "a page is of one moment, whatever is written meanwhile",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      await a.put("lobby", "a0");
      const [[epoch]] = [await b.version("lobby")];
      // Every write moves one connection. So there is always exactly one, and its id shows the version.
      const writing = Promise.all(
        range(200).map((i) => a.write("lobby", { put: [a.entry(`a${i + 1}`)], drop: [`a${i}`] })),
      );
      for (let i = 0; i < 50; i++) {
        const { version, entries, count } = await b.page("lobby");
        checkSame([version[0], count], [epoch, 1], "Epoch and count");
        checkSame(entries.map(({ id }) => id), [`a${version[1] - 1}`], "The members");
      }
      await writing;
    },
  },
  {
    name: "versions come in the order in which they are asked for",
    async run(stage) {
      const a = await stage.node();
      const places = range(20).map((i) => `place ${i}`);
      for (const [i, place] of places.entries()) {
        for (let n = 0; n < i % 3; n++) await a.put(place, `c${n}`);
      }
      const versions = await a.store.versions(places);
      checkSame(versions.map(([, number]) => number), places.map((_, i) => i % 3), "The numbers");
      check(versions.every(([epoch, number]) => (epoch === "") === (number === 0)), "An epoch is missing");
      checkSame(await a.store.versions([]), [], "The versions of no place");
    },
  },
  {
    name: "a place of thousands is written and read in bounded time",
    async run(stage) {
      const [a, b] = [await stage.node(), await stage.node()];
      const put = range(5_000).map((i) => a.entry(`${a.id}.${i}`, { user: `user ${i % 2_500}`, state: "1" }));
      await a.write("lobby", { put });
      checkSame(
        [await b.count("lobby", "user"), await b.count("lobby", "connection")],
        [2_500, 5_000],
        "The counts",
      );
      checkSame((await b.all("lobby", "connection", 2_000)).length, 5_000, "How many are read");
      checkSame((await b.all("lobby", "user", 2_000)).length, 2_500, "How many users are read");
      const { dropped } = await a.write("lobby", { all: true });
      checkSame(dropped.length, 5_000, "How many are dropped");
    },
  },
];
