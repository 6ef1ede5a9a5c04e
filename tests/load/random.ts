/** Numbers that look random and are the same in every run: mulberry32. */
export class Random {
  #state: number;

  /** @param seed Where to begin. */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 on, below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % end;
  }

  /** Whether something happens that happens once in so many times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Some of a list, in its order: at least one. */
  some<T>(list: readonly T[]): T[] {
    const some = list.filter(() => this.oneIn(2));
    return some.length > 0 ? some : [this.pick(list)];
  }
}

/** Gives `Math.random` the numbers of a generator until it is disposed. */
export function seedMath(random: Random): Disposable {
  const { random: old } = Math;
  Math.random = () => random.below(2 ** 30) / 2 ** 30;
  return { [Symbol.dispose]: () => void (Math.random = old) };
}
