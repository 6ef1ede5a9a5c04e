/**
 * Limits how many links of one address there are.
 *
 * @module
 */

import { KeyedLimit } from "../limits.ts";
import { addressKey } from "./address_key.ts";

/** Counts by address, up to a limit. An unknown address is not counted; see {@linkcode addressKey} for the others. */
export class AddressLimit {
  readonly #links: KeyedLimit;
  /** The last address and its key: one link asks several times in a row, and a key of IPv6 takes long to make. */
  #address = "";
  #key = "";

  /** @param max How many of one address are allowed; `Infinity` for no limit, and then it counts nothing. */
  constructor(max: number) {
    this.#links = new KeyedLimit(max);
  }

  /** How many addresses have a count above zero. */
  get size(): number {
    return this.#links.size;
  }

  /** Whether one more of this address is allowed. */
  hasRoom(address: string | undefined): boolean {
    const key = this.#keyOf(address);
    return key === undefined || this.#links.hasRoom(key);
  }

  /** See `KeyedLimit.enter`. */
  enter(address: string | undefined): boolean {
    return this.#links.enter(this.#keyOf(address));
  }

  /** See `KeyedLimit.add`. */
  add(address: string | undefined): void {
    this.#links.add(this.#keyOf(address));
  }

  /** See `KeyedLimit.leave`. */
  leave(address: string | undefined): void {
    this.#links.leave(this.#keyOf(address));
  }

  /** The key that counts; `undefined` if nothing does. */
  #keyOf(address: string | undefined): string | undefined {
    if (address === undefined || !this.#links.limits) return undefined;
    if (address !== this.#address) {
      this.#key = addressKey(address);
      this.#address = address;
    }
    return this.#key;
  }
}
