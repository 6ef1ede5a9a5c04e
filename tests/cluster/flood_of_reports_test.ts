import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { testOnAdapters } from "../hub/cluster.ts";

const unknown = (name: string) => JSON.stringify([["bus", name, {}]]);

testOnAdapters(
  "flood: messages of a node that this one cannot read are reported once and counted",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(1, { clock });
    const [{ hub, tap, errors }] = cluster.nodes as [typeof cluster.nodes[number]];
    const told = () => errors.splice(0).map(({ error, info }) => ({ text: String(error), ...info }));
    const before = await malformed(hub);

    for (let n = 0; n < 1_000; n++) tap.inject("cluster", unknown("fresh"));
    tap.inject("cluster", unknown("other"));
    tap.inject("cluster", "no list");
    const [first, ...others] = told();
    assertEquals([first?.stage, first?.channel, first?.count, others.length], [
      "delivery",
      "cluster",
      undefined,
      2,
    ]);
    assertEquals(await malformed(hub) - before, 1_002);

    clock.advance(10_000);
    const [summary, ...more] = told();
    assertEquals([summary?.stage, summary?.channel, summary?.count, more.length], [
      "delivery",
      "cluster",
      999,
      0,
    ]);
    assert(summary!.text.includes('"fresh"') && summary!.text.includes("999"), summary!.text);
    clock.advance(10_000);
    assertEquals(told(), []);
    tap.inject("cluster", unknown("fresh"));
    assertEquals(told().map(({ count }) => count), [undefined]);
  },
);

testOnAdapters(
  "flood: made-up names make no more reports, and none is owed when the hub closes",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(1, { clock });
    const [{ hub, tap, errors }] = cluster.nodes as [typeof cluster.nodes[number]];
    for (let n = 0; n < 5_000; n++) tap.inject("cluster", unknown(`made up ${n}`));
    assert(errors.length < 50, `${errors.length} reports`);
    await hub.close();
    const counts = errors.map(({ info }) => info.count ?? 1);
    assertEquals(counts.reduce((sum, count) => sum + count), 5_000);
  },
);

async function malformed(
  hub: { routes: { request(path: string): Response | Promise<Response> } },
): Promise<number> {
  return (await (await hub.routes.request("/health")).json()).backplane.malformed;
}
