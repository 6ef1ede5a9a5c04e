/**
 * A map for what most connections have one or few of: a `Map` takes hundreds of bytes for its first entry.
 *
 * @module
 */

/** Beyond so many entries looking through them takes longer than a `Map` does. */
const MAX_FEW = 8;

/** Values by name, in the order in which they came. */
export class SmallMap<V> {
  /** Names and values in turn. */
  #few: unknown[] = [];
  #many: Map<string, V> | undefined;

  /** How many values there are. */
  get size(): number {
    return this.#many?.size ?? this.#few.length / 2;
  }

  /** The value of a name. */
  get(name: string): V | undefined {
    if (this.#many) return this.#many.get(name);
    const at = this.#find(name);
    return at < 0 ? undefined : this.#few[at + 1] as V;
  }

  /** Whether there is a value of a name. */
  has(name: string): boolean {
    return this.#many ? this.#many.has(name) : this.#find(name) >= 0;
  }

  /** Puts a value in the place of the name's earlier one, or at the end. */
  set(name: string, value: V): void {
    if (this.#many) return void this.#many.set(name, value);
    const at = this.#find(name);
    if (at >= 0) this.#few[at + 1] = value;
    else if (this.#few.length < 2 * MAX_FEW) this.#few.push(name, value);
    else {
      this.#many = new Map(this.entries()).set(name, value);
      this.#few = [];
    }
  }

  /** Takes a value out; tells whether there was one. */
  delete(name: string): boolean {
    if (this.#many) return this.#many.delete(name);
    const at = this.#find(name);
    if (at >= 0) this.#few.splice(at, 2);
    return at >= 0;
  }

  /** Takes all values out. */
  clear(): void {
    this.#few = [];
    this.#many = undefined;
  }

  /** Names and values as they are now, whatever becomes of them meanwhile. */
  entries(): [string, V][] {
    if (this.#many) return [...this.#many];
    return Array.from(
      { length: this.size },
      (_, i) => [this.#few[2 * i] as string, this.#few[2 * i + 1] as V],
    );
  }

  #find(name: string): number {
    for (let i = 0; i < this.#few.length; i += 2) if (this.#few[i] === name) return i;
    return -1;
  }
}
