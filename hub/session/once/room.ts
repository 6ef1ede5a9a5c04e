/**
 * How many requests with an id are remembered, and how much text: of all together, and of each who asks.
 *
 * @module
 */

/** One who asks may take so many parts less than all together. */
const SHARES = 10;

/** How much there may be. */
export interface RoomLimits {
  /** Requests. */
  readonly maxCount: number;
  /** Bytes of UTF-8 of their answers. */
  readonly maxBytes: number;
}

interface Used {
  count: number;
  bytes: number;
}

/** Counts what is remembered. */
export class Room {
  readonly #limits: RoomLimits;
  readonly #all: Used = { count: 0, bytes: 0 };
  readonly #owners = new Map<string, Used>();

  /** @param limits How much there may be. */
  constructor(limits: RoomLimits) {
    this.#limits = limits;
  }

  /**
   * Counts one more request.
   *
   * @param owner Who asks.
   * @returns Who has used up what there is, if so: nothing is counted then.
   */
  enter(owner: string): "owner" | "all" | undefined {
    const { maxCount } = this.#limits;
    const used = this.#owners.get(owner) ?? { count: 0, bytes: 0 };
    if (used.count >= Math.ceil(maxCount / SHARES)) return "owner";
    if (this.#all.count >= maxCount) return "all";
    this.#owners.set(owner, used);
    used.count++;
    this.#all.count++;
    return undefined;
  }

  /** Counts the bytes of an answer; tells whether there was room. */
  add(owner: string, bytes: number): boolean {
    const { maxBytes } = this.#limits;
    const used = this.#owners.get(owner)!;
    if (used.bytes + bytes > maxBytes / SHARES || this.#all.bytes + bytes > maxBytes) return false;
    used.bytes += bytes;
    this.#all.bytes += bytes;
    return true;
  }

  /** A request is forgotten, with the bytes of its answer. */
  leave(owner: string, bytes: number): void {
    const used = this.#owners.get(owner)!;
    for (const counted of [used, this.#all]) {
      counted.count--;
      counted.bytes -= bytes;
    }
    if (used.count === 0) this.#owners.delete(owner);
  }
}
