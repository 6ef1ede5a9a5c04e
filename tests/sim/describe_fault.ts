/**
 * Faults in words.
 *
 * @module
 */

import type { Fault } from "./faults.ts";

/** Describes a fault in words. */
export function describeFault(fault: Fault): string {
  const { at, ms } = fault;
  const span = `${at}–${at + ms} ms`;
  switch (fault.kind) {
    case "late":
      return `${ms} ms: ${lane(fault.seat)} starts only now`;
    case "crash":
      return `${at} ms: ${lane(fault.seat)} crashes${fault.told ? ", of which the backplane tells" : ""}${
        back(fault)
      }`;
    case "goodbye":
      return `${at} ms: ${lane(fault.seat)} closes${back(fault)}`;
    case "freeze":
      return `${span}: ${lane(fault.seat)} is frozen`;
    case "slow":
      return `${span}: ${lane(fault.seat)} needs ${fault.stepMs} ms for each step`;
    case "partition":
      return `${span}: ${lanes(fault.seats)} cut off from the others${
        fault.told ? ", with a gap told after" : ""
      }`;
    case "cut":
      return `${span}: nothing gets from ${lanes(fault.from)} to ${lanes(fault.to)}`;
    case "outage":
      return `${span}: no backplane for ${lanes(fault.seats)}, noticed after ${fault.noticedMs} ms`;
    case "gap":
      return `${span}: nothing reaches ${lane(fault.seat)}, a gap is told after`;
    case "delay":
      return `${span}: messages from and to ${lane(fault.seat)} take ${fault.extraMs} ms longer`;
    case "store":
      return `${span}: nobody reaches the store`;
    case "forget":
      return `${at} ms: the store forgets everything`;
    case "noise":
      return `${span}: of 1000 messages ${fault.noise.loss} are lost, ${fault.noise.duplicate} come twice, ` +
        `${fault.noise.reorder} are held back`;
  }
}

function back({ at, ms, back }: { at: number; ms: number; back: boolean }): string {
  return back ? `, another starts in its place at ${at + ms} ms` : "";
}

const lane = (seat: number): string => `n${String(seat).padStart(2, "0")}`;

function lanes(seats: readonly number[]): string {
  return seats.length <= 8
    ? seats.map(lane).join(" ")
    : `${seats.slice(0, 6).map(lane).join(" ")} … (${seats.length})`;
}
