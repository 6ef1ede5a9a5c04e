/**
 * A map for a few entries per connection: a `Map` takes hundreds of bytes for its first entry.
 *
 * @module
 */

/** With more entries than this, a search through them takes longer than in a `Map`. */
const MAX_FEW = 8;

/** Values by key, in the order in which they were added. */
export class SmallMap<K, V> {
  /** Keys and values, alternating. */
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

  /** Whether the key has a value. */
  has(key: K): boolean {
    return this.#many ? this.#many.has(key) : this.#find(key) >= 0;
  }

  /** Replaces the value of a key, or adds it at the end. */
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

  /** Removes a value. Returns whether there was one. */
  delete(key: K): boolean {
    if (this.#many) return this.#many.delete(key);
    const at = this.#find(key);
    if (at >= 0) this.#few.splice(at, 2);
    return at >= 0;
  }

  /** Removes all values. */
  clear(): void {
    this.#few = [];
    this.#many = undefined;
  }

  /** A copy of the keys and values. Later changes do not affect it. */
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
