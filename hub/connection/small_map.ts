/**
 * A map for what most connections have one or few of: a `Map` takes hundreds of bytes for its first entry.
 *
 * @module
 */

/** Beyond so many entries looking through them takes longer than a `Map` does. */
const MAX_FEW = 8;

/** Values by key, in the order in which they came. */
export class SmallMap<K, V> {
  /** Keys and values in turn. */
  #few: unknown[] = [];
  #many: Map<K, V> | undefined;

  /** How many values there are. */
  get size(): number {
    return this.#many?.size ?? this.#few.length / 2;
  }

  /** The value of a key. */
  get(key: K): V | undefined {
    if (this.#many) return this.#many.get(key);
    const at = this.#find(key);
    return at < 0 ? undefined : this.#few[at + 1] as V;
  }

  /** Whether there is a value of a key. */
  has(key: K): boolean {
    return this.#many ? this.#many.has(key) : this.#find(key) >= 0;
  }

  /** Puts a value in the place of the key's earlier one, or at the end. */
  set(key: K, value: V): void {
    if (this.#many) return void this.#many.set(key, value);
    const at = this.#find(key);
    if (at >= 0) this.#few[at + 1] = value;
    else if (this.#few.length < 2 * MAX_FEW) this.#few.push(key, value);
    else {
      this.#many = new Map(this.entries()).set(key, value);
      this.#few = [];
    }
  }

  /** Takes a value out; tells whether there was one. */
  delete(key: K): boolean {
    if (this.#many) return this.#many.delete(key);
    const at = this.#find(key);
    if (at >= 0) this.#few.splice(at, 2);
    return at >= 0;
  }

  /** Takes all values out. */
  clear(): void {
    this.#few = [];
    this.#many = undefined;
  }

  /** Keys and values as they are now, whatever becomes of them meanwhile. */
  entries(): [K, V][] {
    if (this.#many) return [...this.#many];
    return Array.from(
      { length: this.size },
      (_, i) => [this.#few[2 * i] as K, this.#few[2 * i + 1] as V],
    );
  }

  #find(key: K): number {
    for (let i = 0; i < this.#few.length; i += 2) if (this.#few[i] === key) return i;
    return -1;
  }
}
