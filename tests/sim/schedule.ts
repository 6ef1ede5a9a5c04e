/**
 * Virtual time: what is to happen, by the millisecond at which it does. Nothing waits, and equal runs are equal.
 *
 * @module
 */

/** Something that happens at a moment, to one process or to the world. */
export abstract class Step {
  /** Whether it does not happen after all. */
  cancelled = false;
  /** The kind of the step, as a small number for the trace. */
  abstract readonly code: number;
  /** The target of the step; `undefined`: the world. */
  abstract readonly process: StepTaker | undefined;
  /** Lets it happen. */
  abstract run(): void;
}

/** The targets of steps. */
export interface StepTaker {
  /** A step of its is due. */
  take(step: Step): void;
}

/** A step of the world: a fault begins or ends, or a listener looks. */
export class WorldStep extends Step {
  override readonly code = 1;
  override readonly process = undefined;
  override readonly run: () => void;

  /** @param run What happens. */
  constructor(run: () => void) {
    super();
    this.run = run;
  }
}

/** The steps of a run, in order. */
export class Schedule {
  /** The moment, in milliseconds since the run began. */
  now = 0;
  /** How many steps were due. */
  steps = 0;
  readonly #endMs: number;
  readonly #slots: (Step[] | undefined)[];
  #index = 0;

  /** @param endMs When the run ends; what is to happen later does not happen. */
  constructor(endMs: number) {
    this.#endMs = endMs;
    this.#slots = new Array<Step[] | undefined>(endMs + 1).fill(undefined);
  }

  /** Puts a step at a moment, behind those that are there. Not before now. */
  at(ms: number, step: Step): void {
    const due = Math.max(this.now, Math.ceil(ms));
    if (due > this.#endMs) return;
    const slot = this.#slots[due];
    if (slot) slot.push(step);
    else this.#slots[due] = [step];
  }

  /** The next step, at its moment; `undefined` at the end. */
  next(): Step | undefined {
    for (; this.now <= this.#endMs; this.now++) {
      const slot = this.#slots[this.now];
      if (slot && this.#index < slot.length) {
        this.steps++;
        return slot[this.#index++];
      }
      this.#slots[this.now] = undefined;
      this.#index = 0;
    }
    return undefined;
  }
}
