/**
 * Runs a scenario, and tells what came of it.
 *
 * @module
 */

import type { Scenario } from "./scenario.ts";
import { WorldStep } from "./schedule.ts";
import { type System, TIMES, Violation } from "./system.ts";
import { type Lifetime, World } from "./world.ts";

/** How many microtasks stand for the end of all promises that can go on now. */
const MICROTASKS = 32;
/** How often that is tried within one step. */
const MAX_ROUNDS = 50;
/** How often it is looked whose view differs from the truth, in milliseconds. */
const LOOK_MS = TIMES.heartbeatMs / 4;

/** How many views differed from the truth at some moment. */
export interface Look {
  /** The moment, in milliseconds. */
  readonly at: number;
  /** The nodes whose view differed. */
  readonly differing: readonly string[];
  /** In what they disagreed otherwise. */
  readonly disagreement: string | undefined;
}

/** The result of a run. */
export interface Outcome {
  /** The rule that was broken, and when in milliseconds; `undefined` when none was. */
  readonly violation: { readonly at: number; readonly error: Violation } | undefined;
  /** Everything that happened, as eight hexadecimal digits: equal runs have equal ones. */
  readonly trace: string;
  /** How many messages arrived. */
  readonly delivered: number;
  /** How many messages were lost. */
  readonly lost: number;
  /** How many steps there were. */
  readonly steps: number;
  /** From when on all views were true, in milliseconds; `undefined` when they were not. */
  readonly convergedAt: number | undefined;
  /** When it ended, in milliseconds. */
  readonly endedAt: number;
  /** Every look at the views: over all of the run if that was asked for, else when it was quiet. */
  readonly looks: readonly Look[];
  /** Every process that there was. */
  readonly lifetimes: readonly Lifetime[];
}

/**
 * Runs a scenario. The same scenario comes to the same outcome, on any runtime.
 *
 * @param scenario What is to happen.
 * @param system What it happens to.
 * @param looksAlways Whether to look at the views from the beginning, for a drawing.
 */
export async function simulate(scenario: Scenario, system: System, looksAlways = false): Promise<Outcome> {
  const world = new World(scenario, system);
  const watch = new Watch(world, scenario, system);
  let violation: Outcome["violation"];
  try {
    watch.begin(looksAlways ? 0 : scenario.quietAt);
    await play(world, watch);
  } catch (error) {
    violation = { at: world.schedule.now, error: violationOf(error) };
  }
  const { schedule, network, trace, lifetimes } = world;
  return {
    violation,
    trace: (trace >>> 0).toString(16).padStart(8, "0"),
    delivered: network.delivered,
    lost: network.lost,
    steps: schedule.steps,
    convergedAt: violation ? undefined : watch.trueSince,
    endedAt: schedule.now,
    looks: watch.looks,
    lifetimes: [...lifetimes.values()],
  };
}

async function play(world: World, watch: Watch): Promise<void> {
  const { schedule } = world;
  for (let step = schedule.next(); step && !watch.done; step = schedule.next()) {
    if (step.cancelled) continue;
    if (step.process) step.process.take(step);
    else step.run();
    if (world.isUnsettled) await settle(world);
  }
}

/** Runs all ready promises, then ends the turns, and repeats both until nothing is ready. */
async function settle(world: World): Promise<void> {
  for (let round = 0; world.isUnsettled; round++) {
    if (round === MAX_ROUNDS) throw new Error("A step never ends");
    const unsettled = world.takeUnsettled();
    for (let i = 0; i < MICROTASKS; i++) await undefined;
    if (world.failure) throw world.failure;
    for (const process of unsettled) if (process.alive && process.endTurn()) world.unsettle(process);
  }
}

/** Looks at the views now and then, and ends the run when they have been true for long enough. */
class Watch {
  readonly looks: Look[] = [];
  /** Since when all views have been true, in milliseconds. */
  trueSince: number | undefined;
  /** Whether the run may end. */
  done = false;
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #system: System;

  constructor(world: World, scenario: Scenario, system: System) {
    this.#world = world;
    this.#scenario = scenario;
    this.#system = system;
  }

  /** Begins to look. */
  begin(at: number): void {
    this.#world.schedule.at(at, new WorldStep(() => this.#look(at)));
  }

  #look(at: number): void {
    const { quietAt, steadyMs, endAt } = this.#scenario;
    const isLast = at + LOOK_MS > endAt || (this.trueSince !== undefined && at - this.trueSince >= steadyMs);
    const wrong = this.#see(isLast);
    if (wrong) this.trueSince = undefined;
    else if (at >= quietAt) this.trueSince ??= at;
    if (isLast && !wrong) this.done = true;
    else this.begin(at + LOOK_MS);
  }

  /** Returns whether a rule is broken. */
  #see(isLast: boolean): boolean {
    const { schedule: { now: at } } = this.#world;
    const differing: string[] = [];
    for (const subject of this.#world.prompt()) {
      const difference = subject.difference(isLast);
      if (difference === undefined) continue;
      differing.push(subject.process.id);
      this.#late(subject.process.id, difference);
    }
    const isEarly = differing.length > 0; // there is nothing to agree on yet
    const disagreement = isEarly ? undefined : this.#system.disagreement?.(this.#world.prompt(), isLast);
    if (disagreement !== undefined) this.#late(undefined, disagreement);
    this.looks.push({ at, differing, disagreement });
    return differing.length > 0 || disagreement !== undefined;
  }

  #late(node: string | undefined, what: string): void {
    if (this.#world.schedule.now < this.#scenario.dueAt) return;
    const { name, quietBeats } = this.#system;
    const since = `though for ${quietBeats} heartbeats nothing went wrong any more: ${name} did not converge`;
    throw new Violation(node, `${node === undefined ? "" : `${node} `}${what}, ${since}`);
  }
}

function violationOf(error: unknown): Violation {
  if (error instanceof Violation) return error;
  return new Violation(undefined, `Code has thrown: ${error}`, { cause: error });
}
