import { assert, assertEquals, assertLess } from "@std/assert";
import type { GossipMessage } from "../../hub/presence/gossip/gossip.ts";
import { test } from "../harness.ts";
import { gossip, GossipSubject } from "./gossip.ts";
import { campaign, describeFailure } from "./report.ts";
import type { System } from "./system.ts";

/** Takes changes after a gap as if nothing was missing. */
class Gapless extends GossipSubject {
  readonly #versions = new Map<string, number>();

  protected override hear(message: GossipMessage, from: string): void {
    if (message[0] !== "pd") return super.hear(message, from);
    const [kind, start, count, at, ...changes] = message;
    const version = this.#versions.get(from) ?? 0;
    this.#versions.set(from, Math.max(version, start + count));
    if (start <= version) return super.hear(message, from);
    super.hear([kind, version, start + count - version, at, ...changes], from);
  }
}

/** Ignores the versions of other nodes. */
class Versionless extends GossipSubject {
  protected override hear(message: GossipMessage, from: string): void {
    if (message[0] !== "pv") super.hear(message, from);
  }
}

/** Ignores pages of large states. */
class Pageless extends GossipSubject {
  protected override hear(message: GossipMessage, from: string): void {
    if (message[0] !== "pp") super.hear(message, from);
  }
}

/** Answers no questions. */
class Answerless extends GossipSubject {
  protected override hear(message: GossipMessage, from: string): void {
    if (message[0] !== "pq") super.hear(message, from);
  }
}

for (
  const [what, broken] of [
    ["ignores gaps", Gapless],
    ["does not hear of versions", Versionless],
    ["does not hear pages of large states", Pageless],
    ["does not answer", Answerless],
  ] as const
) {
  test(`gossip that ${what} is caught, by few faults and few operations`, async () => {
    const system: System = { ...gossip, create: (environment) => new broken(environment) };
    const { failures } = await campaign(system, {
      from: 1,
      to: 400,
      nodes: 8,
      network: "adapter",
      wire: false,
    });
    assertEquals(failures.length, 1);
    const { scenario, shrunk } = failures[0]!;
    assertLess(shrunk.scenario.faults.length, 3);
    assertLess(shrunk.scenario.operations.length, scenario.operations.length / 4);
    const told = describeFailure(system, scenario, shrunk);
    assert(told.includes(`deno task sim --system gossip --seed ${scenario.seed} --nodes 8`), told);
  });
}
