import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { entry, GossipNetwork, HEARTBEAT_MS, known, type Letter } from "./gossip_network.ts";

const NODES = ["a", "b", "c", "d"];
const PLACES = ["room:1", "room:2", "room:3"];

/** Numbers that look random, the same for the same seed (Lehmer, as in Park and Miller, CACM 31, 1988). */
function chance(seed: number) {
  let state = seed * 7_919 + 1;
  return (below: number) => (state = state * 48_271 % 2_147_483_647) % below;
}

/** Nodes that lose, double, swap and delay what they say, and lose sight of each other, until the end. */
function chaos(seed: number, steps: number, burst: number): GossipNetwork {
  const below = chance(seed);
  const network = new GossipNetwork();
  network.maxMessageBytes = 1_024;
  for (const node of NODES) network.start(node, { leaveAfterMs: seed % 2 * 300 });
  const late: Letter[] = [];
  const unfriendly = (letter: Letter) => {
    switch (below(5)) {
      case 0:
        return [];
      case 1:
        return [letter, letter];
      case 2:
        late.push(letter);
        return [];
      default:
        return [letter];
    }
  };
  network.fate = unfriendly;
  const blind: [string, string][] = [];
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  for (let step = 0; step < steps; step++) {
    const id = pick(NODES), gossip = network.nodes.get(id)!;
    const other = pick(NODES.filter((one) => one !== id));
    switch (below(12)) {
      case 0:
        if (late.length > 0) network.bring(late.splice(below(late.length), 1)[0]!);
        break;
      case 1:
        network.run();
        break;
      case 2:
        network.advance(below(HEARTBEAT_MS));
        break;
      case 3:
        gossip.leave(other);
        blind.push([id, other]);
        break;
      case 4:
        for (const [one, two] of blind.splice(0)) network.nodes.get(one)!.join(two);
        break;
      case 5:
        for (let i = below(burst); i > 0; i--) gossip.put("room:busy", entry(id, 99, i));
        break;
      case 6:
        if (below(3) === 0) gossip.missed();
        break;
      default: {
        const n = below(30);
        if (below(3) > 0) {
          gossip.put(pick(PLACES), { ...entry(id, n, step), at: Date.UTC(2026, 0, 1) + step });
        } else gossip.drop(pick(PLACES), `${id}.${n.toString(36)}`);
      }
    }
  }
  network.fate = (letter) => [letter];
  for (const [one, two] of blind) network.nodes.get(one)!.join(two);
  network.run();
  return network;
}

/** Compares what all nodes know with what each knows of itself. */
function assertTruth(network: GossipNetwork, seed: number): void {
  for (const place of [...PLACES, "room:busy"]) {
    const truth = [...network.nodes].flatMap(([id, gossip]) =>
      known(gossip, place).filter(([connection]) => connection.startsWith(`${id}.`))
    );
    for (const [id, gossip] of network.nodes) {
      assertEquals(known(gossip, place), truth, `seed ${seed}: node ${id}, ${place}`);
      assertEquals(gossip.count(place, "connection"), truth.length);
    }
  }
  for (const gossip of network.nodes.values()) assertEquals(gossip.sizes.questions, 0, `seed ${seed}`);
}

test("gossip: whatever the network does, every node knows the truth within three heartbeats without faults", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const network = chaos(seed, 150, 3);
    network.advance(3 * HEARTBEAT_MS);
    assertTruth(network, seed);
  }
});

test("gossip: whatever the network does to whole states, every node knows the truth within five heartbeats without faults", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const network = chaos(seed, 150, 1_500);
    network.advance(5 * HEARTBEAT_MS);
    assertTruth(network, seed);
    for (const id of NODES) network.kill(id);
    assertEquals(network.pending, 0);
  }
});
