/**
 * A queue for many elements.
 *
 * @module
 */

/** From this number of taken elements on, the room that they leave is given back. */
const MANY = 1_024;

/** Elements in order. To take the first one costs the same, however many there are. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  /** The items before this index were taken. */
  #head = 0;

  /** How many elements there are. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Adds an element at the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first element out; `undefined` if there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head >= MANY && 2 * this.#head >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /**
   * Takes an element out of the middle. It looks at each.
   *
   * @param isIt Tells whether it is this one.
   * @returns The first such element; `undefined` if there is none.
   */
  take(isIt: (item: T) => boolean): T | undefined {
    for (let i = this.#head; i < this.#items.length; i++) {
      if (isIt(this.#items[i] as T)) return this.#items.splice(i, 1)[0];
    }
    return undefined;
  }
}
