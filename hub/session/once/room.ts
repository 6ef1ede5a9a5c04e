/**
 * Limits how many requests with an id are remembered, and the bytes of their answers: in all and for each owner. An
 * owner is a user or an address.
 *
 * @module
 */

/** The whole is divided into this many parts, and one owner may have one of them. */
const SHARES = 10;

/** The limits of the memory. */
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

/** Counts the remembered requests. */
export class Room {
  readonly #limits: RoomLimits;
  readonly #all: Used = { count: 0, bytes: 0 };
  readonly #owners = new Map<string, Used>();

  /** @param limits The limits. */
  constructor(limits: RoomLimits) {
    this.#limits = limits;
  }

  /**
   * Counts one more request.
   *
   * @param owner The user or address that it counts for.
   * @returns The limit that is used up; then nothing is counted. `undefined` when there is room.
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

  /** Counts the bytes of an answer. Returns whether there was room. */
  add(owner: string, bytes: number): boolean {
    const { maxBytes } = this.#limits;
    const used = this.#owners.get(owner)!;
    if (used.bytes + bytes > maxBytes / SHARES || this.#all.bytes + bytes > maxBytes) return false;
    used.bytes += bytes;
    this.#all.bytes += bytes;
    return true;
  }

  /** Forgets a request, with the bytes of its answer. */
  leave(owner: string, bytes: number): void {
    const used = this.#owners.get(owner)!;
    for (const counted of [used, this.#all]) {
      counted.count--;
      counted.bytes -= bytes;
    }
    if (used.count === 0) this.#owners.delete(owner);
  }
}
