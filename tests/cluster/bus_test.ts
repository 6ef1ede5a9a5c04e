import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import { empty, testOnAdapters } from "../hub/cluster.ts";
import { codeOf, turn } from "../hub/wires.ts";

testOnAdapters("cluster: bus events reach every other node in order, never the sender", async (start) => {
  await using cluster = await start(3);
  const heard: string[][] = cluster.nodes.map(() => []);
  const names = new Map(cluster.nodes.map(({ hub }, i) => [hub.nodeId, i]));
  const offs = cluster.nodes.map(({ hub }, i) =>
    hub.onServer("invalidate", ({ key }, { from }) => void heard[i]!.push(`${names.get(from)} ${key}`))
  );
  for (let n = 0; n < 3; n++) {
    for (const { hub } of cluster.nodes) hub.emitServer("invalidate", { key: `${n}` });
  }
  await waitFor(() => heard.every(({ length }) => length === 6), { what: "everything" });
  for (const [i, mine] of heard.entries()) {
    for (const other of [0, 1, 2]) {
      const expected = other === i ? [] : ["0", "1", "2"].map((n) => `${other} ${n}`);
      assertEquals(mine.filter((text) => text.startsWith(`${other} `)), expected);
    }
  }
  offs[0]!();
  offs[0]!();
  cluster.nodes[1]!.hub.emitServer("invalidate", { key: "late" });
  await waitFor(() => cluster.nodes[0]!.tap.delivered.some(({ data }) => String(data).includes("late")), {
    what: "the last one to arrive without a listener",
  });
  await waitFor(() => heard[2]!.length === 7, { what: "the last" });
  assertEquals(heard[0]!.length, 6);
});

testOnAdapters(
  "cluster: bus requests gather answers; nodes without an answerer, with an error or too late are missing",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(5, { clock });
    const [a, b, c, d, e] = cluster.nodes.map(({ hub }) => hub);
    const [{ tap }] = cluster.nodes as [(typeof cluster.nodes)[number]];
    const ask = async (answers: number) => {
      const before = tap.delivered.length;
      const asked = a!.requestServers("load", {}, { timeoutMs: 100 });
      const arrived = () =>
        tap.delivered.slice(before).filter(({ data }) => /^\[\["(ans|fail)"/.test(String(data)));
      await waitFor(() => arrived().length === answers, { what: "the answers" });
      clock.advance(100);
      return await asked;
    };
    a!.onServer("load", () => ({ conns: -1 })); // a node does not ask itself
    b!.onServer("load", (_, { from }) => ({ conns: from === a!.nodeId ? 1 : -1 }));
    const off = c!.onServer("load", async () => {
      await turn();
      return { conns: 2 };
    });
    d!.onServer("load", () => new Promise<never>(() => {})); // never; e has no answerer at all
    const { answers, missing } = await ask(3);
    assertEquals([...answers].sort(), [[b!.nodeId, { conns: 1 }], [c!.nodeId, { conns: 2 }]].sort() as never);
    assertEquals(
      new Map(missing.map(({ node, reason, code }) => [node, [reason, code]])),
      new Map([
        [d!.nodeId, ["timeout", undefined]],
        [e!.nodeId, ["failed", "NOT_FOUND"]],
      ]),
    );
    off();
    c!.onServer("load", () => ({ conns: "many" }) as never);
    const again = await ask(3);
    assertEquals([[...again.answers.keys()], again.missing.length], [[b!.nodeId], 3]);
    assert((await codeOf(() => b!.onServer("load", () => ({ conns: 0 })))).includes("twice"));
    await empty(...cluster.nodes); // the answerer that never answers has learned that no caller waits
  },
);

testOnAdapters(
  "cluster: the answerer of a bus request learns when the asking node gives up, or is gone",
  async (start) => {
    await using cluster = await start(3, { cluster: { requestTimeoutMs: 60_000 } });
    const [a, b, c] = cluster.nodes;
    const given: string[] = [];
    for (const { hub } of [b!, c!]) {
      hub.onServer("load", (_, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            given.push(String(signal.reason.message));
            reject(signal.reason);
          });
        }));
    }
    const aborter = new AbortController();
    const asked = codeOf(() => a!.hub.requestServers("load", {}, { signal: aborter.signal }));
    await waitFor(() => b!.hub.stats().answering + c!.hub.stats().answering === 2, { what: "the question" });
    aborter.abort(new Error("enough"));
    assertEquals(await asked, "not a HubError: Error: enough");
    await waitFor(() => given.length === 2, { what: "both to hear of it" });
    assert(given.every((reason) => reason.endsWith("gave up")));

    const last = a!.hub.requestServers("load", {});
    await waitFor(() => b!.hub.stats().answering + c!.hub.stats().answering === 2, { what: "the question" });
    await a!.hub.close();
    assertEquals((await last).missing.length, 2);
    await waitFor(() => given.length === 4, { what: "both to hear of that" });
    await empty(...cluster.nodes);
    assertEquals([b!, c!].flatMap(({ errors }) => errors), []);
  },
);
