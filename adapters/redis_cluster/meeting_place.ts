/**
 * The one node for classic pub/sub. It passes every message to all other nodes.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { shuffled } from "../kit/shuffle.ts";
import type { Found } from "./finder.ts";

/**
 * How long to wait for a node that sees no working cluster. It has just started, and has no links to the others yet. Or
 * a slot is not served, which does not matter here.
 */
const DOUBT_MS = 5_000;

/** Chooses the node, and knows whether it reaches the others. */
export class MeetingPlace {
  readonly #clock: Clock;
  #chosen: string | undefined;
  /** Whether the chosen node last saw a working cluster, and since when it sees none. */
  #isSure = false;
  #doubtedAt: number | undefined;

  /** @param clock The source of time. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Keeps the present node as long as that node works, or may work in a moment. The exception: another node sees a
   * working cluster, and the present one does not. Then the present one is cut off.
   *
   * @param found The masters, and which nodes see a working cluster.
   * @param present The present node, `host:port`.
   * @param works Whether the connection to it works, or is still being made.
   * @returns The node to use; `undefined` if no master is known.
   */
  choose(
    { ranges, ok, sure, doubters }: Found,
    present: string | undefined,
    works: boolean,
  ): string | undefined {
    const masters = [...new Set(ranges.map(([, , address]) => address))];
    const isCutOff = ok && doubters.has(present!);
    const others = shuffled(masters.filter((address) => address !== present));
    const chosen = present !== undefined && works && masters.includes(present) && !isCutOff
      ? present
      : others.find((address) => !doubters.has(address)) ?? others[0] ?? masters[0];
    if (chosen === undefined) return undefined;
    if (chosen !== this.#chosen) this.#forget();
    this.#chosen = chosen;
    if (sure.has(chosen)) [this.#isSure, this.#doubtedAt] = [true, undefined];
    else if (doubters.has(chosen)) {
      [this.#isSure, this.#doubtedAt] = [false, this.#doubtedAt ?? this.#clock.now()];
    }
    return chosen;
  }

  /** The connection to a node is lost. */
  lost(address: string): void {
    if (this.#chosen === address) this.#forget();
  }

  #forget(): void {
    [this.#isSure, this.#doubtedAt] = [false, undefined];
  }

  /** Whether messages to the chosen node reach the others, as far as can be known. */
  get reachesAll(): boolean {
    return this.#isSure || this.#clock.now() - (this.#doubtedAt ?? Infinity) >= DOUBT_MS;
  }
}
