/**
 * What goes wrong in a run, as data: a list of faults, each with its time. A plan is drawn from a seed, and can be cut
 * down to the few faults that matter.
 *
 * @module
 */

import type { Random } from "../load/random.ts";
import type { NetworkKind, Noise } from "./network.ts";

interface At {
  /** When it begins, in milliseconds. */
  readonly at: number;
  /** How long it lasts, in milliseconds. */
  readonly ms: number;
}

/** Something that goes wrong. Seats are lanes: what comes back after a crash has the same seat and another node id. */
export type Fault =
  & At
  & (
    | { readonly kind: "late"; readonly seat: number } // it starts at the end of the fault, not with the others
    | { readonly kind: "crash"; readonly seat: number; readonly back: boolean; readonly told: boolean }
    | { readonly kind: "goodbye"; readonly seat: number; readonly back: boolean }
    | { readonly kind: "freeze"; readonly seat: number; readonly timersFirst: boolean }
    | { readonly kind: "slow"; readonly seat: number; readonly stepMs: number }
    | { readonly kind: "partition"; readonly seats: readonly number[]; readonly told: boolean }
    | { readonly kind: "cut"; readonly from: readonly number[]; readonly to: readonly number[] }
    | { readonly kind: "outage"; readonly seats: readonly number[]; readonly noticedMs: number }
    | { readonly kind: "gap"; readonly seat: number }
    | { readonly kind: "delay"; readonly seat: number; readonly extraMs: number }
    | { readonly kind: "noise"; readonly noise: Noise }
    | { readonly kind: "store" } // it cannot be reached
    | { readonly kind: "forget" } // the store loses everything
  );

/** How a fault is called. */
export type FaultKind = Fault["kind"];

/** The options of a plan. */
export interface PlanOptions {
  /** Where chance comes from. */
  readonly random: Random;
  /** How many seats there are. */
  readonly seats: number;
  /** When the last fault has ended, in milliseconds. */
  readonly quietAt: number;
  /** How long a heartbeat is, in milliseconds. */
  readonly heartbeatMs: number;
  /** The promises of the network. */
  readonly network: NetworkKind;
  /** Whether there is a store. */
  readonly hasStore: boolean;
  /** How many faults. */
  readonly faults: number;
}

const ON_ANY: readonly FaultKind[] = [
  "late",
  "crash",
  "crash",
  "goodbye",
  "freeze",
  "freeze",
  "slow",
  "partition",
  "partition",
  "cut",
  "outage",
  "gap",
  "delay",
];
const ON_HOSTILE: readonly FaultKind[] = ["noise", "noise", "noise"];
const ON_STORE: readonly FaultKind[] = ["store", "store", "forget"];

/** The seats on which a fault is drawn; none: on all. */
export function seatsOf(fault: Fault): readonly number[] {
  switch (fault.kind) {
    case "partition":
    case "outage":
      return fault.seats;
    case "cut":
      return fault.from.length <= fault.to.length ? fault.from : fault.to;
    case "noise":
    case "store":
    case "forget":
      return [];
    default:
      return [fault.seat];
  }
}

/** Moves a fault to other seats. */
export function moveFault(fault: Fault, seat: (seat: number) => number): Fault {
  switch (fault.kind) {
    case "partition":
    case "outage":
      return { ...fault, seats: fault.seats.map(seat) };
    case "cut":
      return { ...fault, from: fault.from.map(seat), to: fault.to.map(seat) };
    case "noise":
    case "store":
    case "forget":
      return fault;
    default:
      return { ...fault, seat: seat(fault.seat) };
  }
}

/** Draws a plan: what lasts has ended when it is quiet. */
export function drawPlan(options: PlanOptions): Fault[] {
  const plan = new Plan(options);
  const faults: Fault[] = [];
  for (let i = 0; i < options.faults; i++) {
    const fault = plan.draw();
    if (fault) faults.push(fault);
  }
  return faults.sort((a, b) => a.at - b.at);
}

class Plan {
  readonly #options: PlanOptions;
  /** Until when each seat is frozen, slow, or away: these do not overlap. */
  readonly #busyUntil: number[];
  readonly #kinds: readonly FaultKind[];

  constructor(options: PlanOptions) {
    const { network, hasStore } = options;
    this.#options = options;
    this.#kinds = [...ON_ANY, ...network === "hostile" ? ON_HOSTILE : [], ...hasStore ? ON_STORE : []];
    this.#busyUntil = new Array<number>(options.seats).fill(0);
  }

  draw(): Fault | undefined {
    const { random, quietAt, heartbeatMs } = this.#options;
    const kind = random.pick(this.#kinds);
    const at = random.below(quietAt - heartbeatMs);
    const ms = Math.min(this.#duration(), quietAt - at);
    if (kind === "noise") return { kind, at, ms, noise: this.#noise() };
    if (kind === "store") return { kind, at, ms };
    if (kind === "forget") return { kind, at, ms: 0 };
    if (kind === "partition") return { kind, at, ms, seats: this.#some(), told: random.oneIn(2) };
    if (kind === "cut") return { kind, at, ms, ...this.#way() };
    if (kind === "outage") {
      return { kind, at, ms, seats: this.#some(), noticedMs: random.below(Math.min(ms, heartbeatMs / 2)) };
    }
    const seat = random.below(this.#options.seats);
    if (kind === "gap") return { kind, at, ms, seat };
    if (kind === "delay") return this.#delay(at, ms, seat);
    if (kind === "late") return { kind, at: 0, ms: at, seat };
    if (this.#busyUntil[seat]! > at) return undefined;
    this.#busyUntil[seat] = at + ms;
    if (kind === "freeze") return { kind, at, ms, seat, timersFirst: random.oneIn(2) };
    if (kind === "slow") return { kind, at, ms, seat, stepMs: 1 + random.below(heartbeatMs / 10) };
    const back = !random.oneIn(4);
    if (kind === "goodbye") return { kind, at, ms, seat, back };
    return { kind, at, ms, seat, back, told: random.oneIn(4) };
  }

  /** Short beside a heartbeat, beside the node timeout, or beyond it. */
  #duration(): number {
    const { random, heartbeatMs } = this.#options;
    const beats = random.pick([0.2, 1, 2, 4, 8]);
    return 1 + random.below(Math.ceil(beats * heartbeatMs));
  }

  /** Delayed messages have arrived when the network is quiet, also between two seats that both have a delay. */
  #delay(at: number, ms: number, seat: number): Fault | undefined {
    const { random, quietAt, heartbeatMs } = this.#options;
    const extraMs = 1 + random.below(heartbeatMs * 2);
    const most = quietAt - at - 2 * extraMs;
    return most > 0 ? { kind: "delay", at, ms: Math.min(ms, most), seat, extraMs } : undefined;
  }

  /** One, some, or about half of the seats. */
  #some(): number[] {
    const { random, seats } = this.#options;
    const all = Array.from({ length: seats }, (_, seat) => seat);
    return random.oneIn(3) ? random.some(all) : [random.below(seats)];
  }

  #way(): { from: number[]; to: number[] } {
    const { random, seats } = this.#options;
    const one = [random.below(seats)];
    const others = random.oneIn(2) ? [random.below(seats)] : Array.from({ length: seats }, (_, seat) => seat);
    return random.oneIn(2) ? { from: one, to: others } : { from: others, to: one };
  }

  #noise(): Noise {
    const { random } = this.#options;
    return {
      loss: random.oneIn(2) ? random.below(400) : 0,
      duplicate: random.oneIn(2) ? random.below(400) : 0,
      reorder: random.oneIn(2) ? random.below(600) : 0,
    };
  }
}
