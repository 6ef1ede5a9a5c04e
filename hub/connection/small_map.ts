/**
 * A map for a few entries per connection: a `Map` takes hundreds of bytes for its first entry. One entry is in the object
 * itself, a few are in an array, and more are in a `Map`.
 *
 * @module
 */

/** With more entries than this, a search through them takes longer than in a `Map`. */
const MAX_FEW = 8;

/** The key of no entry. */
const NONE = Symbol("none");

/** Values by key, in the order in which they were added. */
export class SmallMap<K, V> {
  /** The only key. */
  #key: K | typeof NONE = NONE;
  #value: V | undefined;
  /** Several entries. As an array: keys and values, alternating. */
  #several: unknown[] | Map<K, V> | undefined;

  /** How many values there are. */
  get size(): number {
    const several = this.#several;
    if (!several) return this.#key === NONE ? 0 : 1;
    return Array.isArray(several) ? several.length / 2 : several.size;
  }

  /** The value of a key. */
  get(key: K): V | undefined {
    const several = this.#several;
    if (!several) return this.#key === key ? this.#value : undefined;
    if (!Array.isArray(several)) return several.get(key);
    const at = find(several, key);
    return at < 0 ? undefined : several[at + 1] as V;
  }

  /** Whether the key has a value. */
  has(key: K): boolean {
    const several = this.#several;
    if (!several) return this.#key === key;
    return Array.isArray(several) ? find(several, key) >= 0 : several.has(key);
  }

  /** Replaces the value of a key, or adds it at the end. */
  set(key: K, value: V): void {
    const several = this.#several;
    if (!several) this.#setOne(key, value);
    else if (Array.isArray(several)) this.#setFew(several, key, value);
    else several.set(key, value);
  }

  /** Removes a value. Returns whether there was one. */
  delete(key: K): boolean {
    const several = this.#several;
    if (!several) {
      if (this.#key !== key) return false;
      this.#clearOne();
      return true;
    }
    if (!Array.isArray(several)) return several.delete(key);
    const at = find(several, key);
    if (at >= 0) several.splice(at, 2);
    return at >= 0;
  }

  /** Removes all values. */
  clear(): void {
    this.#several = undefined;
    this.#clearOne();
  }

  /** A copy of the keys and values. Later changes do not affect it. */
  entries(): [K, V][] {
    const several = this.#several;
    if (!several) return this.#key === NONE ? [] : [[this.#key, this.#value as V]];
    if (!Array.isArray(several)) return [...several];
    return Array.from({ length: this.size }, (_, i) => [several[2 * i] as K, several[2 * i + 1] as V]);
  }

  #setOne(key: K, value: V): void {
    if (this.#key === NONE || this.#key === key) {
      this.#key = key;
      this.#value = value;
      return;
    }
    this.#several = [this.#key, this.#value, key, value];
    this.#clearOne();
  }

  #setFew(few: unknown[], key: K, value: V): void {
    const at = find(few, key);
    if (at >= 0) few[at + 1] = value;
    else if (few.length < 2 * MAX_FEW) few.push(key, value);
    else this.#several = new Map(this.entries()).set(key, value);
  }

  #clearOne(): void {
    this.#key = NONE;
    this.#value = undefined;
  }
}

function find(few: readonly unknown[], key: unknown): number {
  for (let i = 0; i < few.length; i += 2) if (few[i] === key) return i;
  return -1;
}
