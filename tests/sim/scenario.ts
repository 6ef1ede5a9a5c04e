/**
 * A run before it runs: everything that decides what happens in it, drawn from a seed.
 *
 * @module
 */

import { chanceFor } from "./chance.ts";
import { drawPlan, type Fault } from "./faults.ts";
import type { NetworkKind } from "./network.ts";
import { type System, TIMES } from "./system.ts";
import { drawWorkload, type Operation } from "./workload.ts";

/** The options of a run. The seed decides those that are left out. */
export interface RunOptions {
  /** Where everything comes from. */
  readonly seed: number;
  /** How many nodes. */
  readonly nodes?: number;
  /** The promises of the network. */
  readonly network?: NetworkKind;
  /** Whether the real backplane writes and reads every message. */
  readonly wire?: boolean;
}

/** A run before it runs. */
export interface Scenario extends Required<RunOptions> {
  /** When nothing goes wrong any more, in milliseconds. */
  readonly quietAt: number;
  /** When every view must be true, in milliseconds. */
  readonly dueAt: number;
  /** When it ends at the latest, in milliseconds: then they have been true for long enough. */
  readonly endAt: number;
  /** For how long they have to be true, in milliseconds. */
  readonly steadyMs: number;
  /** How long a message takes, in milliseconds: at least so long. */
  readonly delayMs: number;
  /** By how much longer it may take, in milliseconds. */
  readonly jitterMs: number;
  /** Whether the backplane counts listeners. */
  readonly counts: boolean;
  /** The faults. */
  readonly faults: readonly Fault[];
  /** The actions of users. */
  readonly operations: readonly Operation[];
}

/** One in so many runs goes through the real backplane. */
const WIRE_ONE_IN = 20;
/** How long things go wrong, in heartbeats. */
const FAULTY_BEATS = 8;
/** How many faults a run has at most, beside one for each node. */
const MOST_FAULTS = 8;
/** For how many heartbeats every view has to stay true: for longer than it takes to find out that a node is silent. */
const STEADY_BEATS = 1 + TIMES.nodeTimeoutMs / TIMES.heartbeatMs;

/** Draws a run. */
export function drawScenario(options: RunOptions, { quietBeats, operations, createStore }: System): Scenario {
  const { seed } = options;
  const { heartbeatMs } = TIMES;
  const random = chanceFor(seed, 0);
  const drawn = {
    nodes: random.oneIn(8) ? 3 + random.below(30) : 3 + random.below(8),
    network: random.pick(["adapter", "hostile"] as const),
    wire: random.oneIn(WIRE_ONE_IN),
  };
  const { nodes = drawn.nodes, network = drawn.network, wire = drawn.wire } = options;
  const quietAt = FAULTY_BEATS * heartbeatMs;
  const faults = 1 + random.below(MOST_FAULTS + nodes);
  const common = { seats: nodes, quietAt };
  return {
    seed,
    nodes,
    network,
    wire,
    quietAt,
    dueAt: quietAt + quietBeats * heartbeatMs,
    endAt: quietAt + (quietBeats + STEADY_BEATS) * heartbeatMs,
    steadyMs: STEADY_BEATS * heartbeatMs,
    delayMs: 1 + random.below(5),
    jitterMs: random.pick([0, 5, 30]),
    counts: random.oneIn(2),
    faults: drawPlan({
      ...common,
      random: chanceFor(seed, 1),
      heartbeatMs,
      network,
      hasStore: createStore !== undefined,
      faults,
    }),
    operations: drawWorkload({ ...common, random: chanceFor(seed, 2), count: operations * nodes }),
  };
}
