import type { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import type { TappedNode } from "./cluster.ts";
import { turn } from "./wires.ts";

/**
 * Lets time pass. What these nodes say to all others meanwhile arrives before more of it does, however long that takes.
 *
 * @param clock The clock of all nodes.
 * @param ms How much of it.
 * @param nodes Those that hear each other.
 */
export async function pass(clock: FakeClock, ms: number, nodes: readonly TappedNode[]): Promise<void> {
  const said = ({ tap }: TappedNode) => tap.publishedOn("cluster").length;
  const heard = ({ tap }: TappedNode, by: TappedNode) =>
    tap.delivered.filter(({ channel, from }) => channel === "cluster" && from === by.hub.nodeId).length;
  for (let passed = 0; passed < ms; passed += 1_000) {
    const before = nodes.map((node) => [said(node), nodes.map((other) => heard(other, node))] as const);
    clock.advance(1_000);
    await turn();
    await waitFor(
      () =>
        nodes.every((node, i) => {
          const [saidBefore, heardBefore] = before[i]!;
          const added = said(node) - saidBefore;
          return nodes.every((other, j) => other === node || heard(other, node) >= heardBefore[j]! + added);
        }),
      { what: "the nodes to hear each other" },
    );
  }
}
