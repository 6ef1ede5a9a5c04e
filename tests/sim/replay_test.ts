import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { test } from "../harness.ts";
import type { NetworkKind } from "./network.ts";
import { drawScenario, type RunOptions } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import { SYSTEMS } from "./systems.ts";
import { drawTimeline } from "./timeline.ts";

const NETWORKS: readonly NetworkKind[] = ["adapter", "hostile"];

for (const system of SYSTEMS) {
  const play = (options: RunOptions) => simulate(drawScenario(options, system), system);

  for (const network of NETWORKS) {
    for (const wire of [false, true]) {
      const way = wire ? "over the real backplane" : "without writing messages";
      test(`${system.name} on the ${network} network ${way}: the same seed is the same run`, async () => {
        const options = { seed: 11, nodes: 6, network, wire };
        const first = await play(options);
        assertEquals((await play(options)).trace, first.trace);
        assertNotEquals((await play({ ...options, seed: 12 })).trace, first.trace);
      });
    }
  }

  test(`a run of ${system.name} is drawn with a lane for each node, its faults, and when all was true`, async () => {
    const scenario = drawScenario({ seed: 3, nodes: 5 }, system);
    const outcome = await simulate(scenario, system, true);
    const drawing = drawTimeline({ system: system.name, scenario, outcome });
    for (let seat = 0; seat < 5; seat++) assert(drawing.includes(`>n0${seat}</text>`));
    assertEquals(drawing.split('class="span"').length > scenario.faults.length, true);
    assert(drawing.includes(`all true from ${outcome.convergedAt} ms on`));
    assert(drawing.includes("prefers-color-scheme:dark"));
  });

  // Presence tells more in one turn than the real backplane puts into one message.
  if (system.operations > 0) continue;
  test(`${system.name}: a run with encoded messages is the same as one without`, async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const [plain, written] = [await play({ seed, wire: false }), await play({ seed, wire: true })];
      assertEquals(written.trace, plain.trace, `seed ${seed}`);
    }
  });
}
