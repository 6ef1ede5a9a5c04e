/**
 * A process of the simulation: it takes its steps one by one, can be frozen, slowed down and killed, and is the clock of
 * the hub's code that runs in it.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import { type Schedule, Step, type StepTaker, WorldStep } from "./schedule.ts";

/** A timer of a process. */
class TimerStep extends Step {
  override readonly code = 2;
  override readonly process: Process;
  override readonly run: () => void;

  constructor(process: Process, run: () => void) {
    super();
    this.process = process;
    this.run = run;
  }
}

/** The parts of a process. */
export interface ProcessOptions {
  /** The virtual time. */
  readonly schedule: Schedule;
  /** The node's id: a process that starts again has another one. */
  readonly id: string;
  /** Its lane: what starts again after a crash has the same. */
  readonly seat: number;
  /** By how much its clock on the wall is off, in milliseconds. */
  readonly wallOffsetMs: number;
  /** Called before each step that it takes. */
  onStep(process: Process, step: Step): void;
  /** Called after each turn. */
  onTurn(process: Process): void;
  /** Called when promises have to go on before the turn ends: calls `endTurn` then. */
  onAwait(process: Process): void;
}

/** One life of a node. */
export class Process implements Clock, StepTaker {
  /** The node's id. */
  readonly id: string;
  /** Its lane. */
  readonly seat: number;
  /** Whether it has promises under way, so that its microtasks have to run before the next step. */
  awaits = false;
  /** Called when it is killed or has ended. */
  onEnd: () => void = () => {};
  readonly #options: ProcessOptions;
  #alive = true;
  /** The waiting steps, if the process does not take them when they are due. */
  #held: Step[] | undefined;
  /** How long each of those takes, in milliseconds; `undefined` while it is frozen. */
  #stepMs: number | undefined;
  #pumps = false;
  #endsOfTurn: (() => void)[] = [];

  /** @param options What it is made of. */
  constructor(options: ProcessOptions) {
    this.#options = options;
    this.id = options.id;
    this.seat = options.seat;
  }

  /** Whether it has not ended. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Whether it takes its steps when they are due. */
  get prompt(): boolean {
    return this.#held === undefined;
  }

  now(): number {
    return this.#options.schedule.now;
  }

  wall(): number {
    return this.now() + this.#options.wallOffsetMs;
  }

  after(ms: number, callback: () => void): () => void {
    const { schedule } = this.#options;
    const step = new TimerStep(this, callback);
    schedule.at(schedule.now + Math.max(1, ms), step);
    return () => void (step.cancelled = true);
  }

  endOfTurn(callback: () => void): void {
    this.#endsOfTurn.push(callback);
  }

  take(step: Step): void {
    if (!this.#alive || step.cancelled) return;
    if (this.#held) this.#held.push(step);
    else this.#do(step);
  }

  /** Runs a step in its own turn, at once, in every state of the process. */
  turn(run: () => void): void {
    run();
    if (!this.#alive) return;
    if (this.awaits) this.#options.onAwait(this);
    else this.endTurn();
  }

  /** Ends the turn. Tells whether that led to anything. */
  endTurn(): boolean {
    const callbacks = this.#endsOfTurn;
    if (callbacks.length > 0) {
      this.#endsOfTurn = [];
      for (const callback of callbacks) callback();
    }
    if (this.#endsOfTurn.length > 0 && !this.awaits) this.endTurn();
    else this.#options.onTurn(this);
    return callbacks.length > 0;
  }

  /** Freezes the process: nothing of it runs, messages to it wait, and its own messages stay under way. */
  freeze(): void {
    this.#held ??= [];
    this.#stepMs = undefined;
  }

  /** Makes each step take so long, in milliseconds: the process falls behind if too many steps come. */
  slow(stepMs: number): void {
    this.#held ??= [];
    this.#stepMs = stepMs;
    this.#pump();
  }

  /**
   * It goes on, with what has waited.
   *
   * @param timersFirst Whether timers that are due run before what has arrived.
   */
  resume(timersFirst: boolean): void {
    if (!this.#held) return;
    if (timersFirst) this.#held.sort((a, b) => Number(isTimer(b)) - Number(isTimer(a)));
    this.slow(0);
  }

  /** Ends the process, without another step. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#held = undefined;
    this.#endsOfTurn = [];
    this.onEnd();
  }

  #do(step: Step): void {
    this.#options.onStep(this, step);
    this.turn(() => step.run());
  }

  #pump(): void {
    if (this.#pumps) return;
    this.#pumps = true;
    this.#pumpLater();
  }

  #pumpLater(): void {
    const { schedule } = this.#options;
    schedule.at(schedule.now + this.#stepMs!, new WorldStep(() => this.#pumpOne()));
  }

  #pumpOne(): void {
    if (!this.#held || this.#stepMs === undefined || !this.#alive) {
      this.#pumps = false;
      return;
    }
    const step = this.#held.shift();
    if (!step && this.#stepMs === 0) {
      this.#held = undefined;
      this.#pumps = false;
      return;
    }
    if (step && !step.cancelled) this.#do(step);
    this.#pumpLater();
  }
}

const isTimer = (step: Step): boolean => step instanceof TimerStep;
