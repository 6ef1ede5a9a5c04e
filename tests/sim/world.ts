/**
 * The world of a run: which processes live, what befalls them, and what is true.
 *
 * @module
 */

import type { Random } from "../load/random.ts";
import { chanceFor } from "./chance.ts";
import type { Fault } from "./faults.ts";
import { type Line, type LineEvents, PlainLine } from "./line.ts";
import { Network, NO_NOISE } from "./network.ts";
import { Process } from "./process.ts";
import type { Scenario } from "./scenario.ts";
import { Schedule, type Step, WorldStep } from "./schedule.ts";
import { type SharedStore, type Subject, type System, TIMES, type Truth, Violation } from "./system.ts";
import { WireLine } from "./wire_line.ts";
import type { Operation } from "./workload.ts";

/** The largest message of a backplane here, in bytes: small, so that what is large goes in parts. */
const MAX_MESSAGE_BYTES = 16 * 1024;
/** How soon after an outage the backplane says that it is back, in milliseconds. */
const BACK_AFTER_MS = 5;
/** The constant faults of the hostile network, until it is quiet. */
const HOSTILE = { loss: 10, duplicate: 10, reorder: 20 };
/** Its faults after that: it loses nothing. */
const QUIET_HOSTILE = { loss: 0, duplicate: 10, reorder: 20 };

/** A process, its code and its line. */
interface Life {
  readonly process: Process;
  readonly subject: Subject;
  readonly line: Line;
  /** Whether it has begun to say goodbye. */
  closing: boolean;
}

/** From when to when a process lived, in milliseconds. */
export interface Lifetime {
  readonly id: string;
  readonly seat: number;
  readonly from: number;
  /** `Infinity` when it lived on. */
  until: number;
}

/** The world of a run. */
export class World implements Truth {
  readonly schedule: Schedule;
  readonly network: Network;
  readonly live: Map<string, Subject> = new Map();
  /** Every process that there was. */
  readonly lifetimes: Map<string, Lifetime> = new Map();
  /** Everything that happened, as a number. */
  trace = 0;
  /** The error of an unhandled rejection. */
  failure: Error | undefined;
  readonly #scenario: Scenario;
  readonly #system: System;
  readonly #random: Random;
  readonly #seats: (Life | undefined)[];
  readonly #lives: number[];
  /** By seat: how many outages there are. */
  readonly #outages: number[];
  #unsettled = new Set<Process>();
  readonly #store: SharedStore | undefined;

  /**
   * @param scenario What is to happen.
   * @param system What it happens to.
   */
  constructor(scenario: Scenario, system: System) {
    const { seed, nodes: seats, network: kind, delayMs, jitterMs, quietAt, endAt } = scenario;
    this.#scenario = scenario;
    this.#system = system;
    this.#random = chanceFor(seed, 4);
    this.#seats = new Array<undefined>(seats).fill(undefined);
    this.#lives = new Array<number>(seats).fill(0);
    this.#outages = new Array<number>(seats).fill(0);
    this.schedule = new Schedule(endAt);
    this.network = new Network({
      schedule: this.schedule,
      random: chanceFor(seed, 3),
      kind,
      seats,
      delayMs,
      jitterMs,
      heldMs: TIMES.heartbeatMs / 2,
    });
    if (kind === "hostile") this.network.noise = HOSTILE;
    this.#store = system.createStore?.({
      schedule: this.schedule,
      random: chanceFor(seed, 5),
      delayMs,
      jitterMs,
      quietAt,
      isCutOff: (seat) => this.#outages[seat]! > 0,
      unsettle: (process) => this.unsettle(process),
    });
    this.#plan();
  }

  /** Whether promises may have to go on before the next step. */
  get isUnsettled(): boolean {
    return this.#unsettled.size > 0;
  }

  /** The processes whose promises may have to go on. */
  takeUnsettled(): Iterable<Process> {
    const unsettled = this.#unsettled;
    this.#unsettled = new Set();
    return unsettled;
  }

  /** Promises of a process may have to go on. */
  unsettle(process: Process): void {
    this.#unsettled.add(process);
  }

  /** The processes that live and take their steps when they are due. */
  *prompt(): Iterable<Subject> {
    for (const subject of this.live.values()) if (subject.process.prompt) yield subject;
  }

  #plan(): void {
    const { faults, operations, nodes, network, quietAt } = this.#scenario;
    const late = new Set(faults.flatMap((fault) => fault.kind === "late" ? [fault.seat] : []));
    for (let seat = 0; seat < nodes; seat++) {
      const at = this.#random.below(TIMES.joinTimeoutMs);
      if (!late.has(seat)) this.#at(at, () => this.#start(seat));
    }
    for (const fault of faults) this.#schedule(fault);
    for (const operation of operations) this.#at(operation.at, () => this.#act(operation));
    if (network === "hostile") this.#at(quietAt, () => this.network.noise = QUIET_HOSTILE);
  }

  #at(ms: number, run: () => void): void {
    this.schedule.at(ms, new WorldStep(run));
  }

  #schedule(fault: Fault): void {
    const { at, ms } = fault;
    const begin = (run: () => void) => this.#at(at, run);
    const end = (run: () => void) => this.#at(at + ms, run);
    switch (fault.kind) {
      case "late":
        return end(() => this.#start(fault.seat));
      case "crash":
        begin(() => this.#crash(fault.seat, fault.told));
        return fault.back ? end(() => this.#start(fault.seat)) : undefined;
      case "goodbye":
        begin(() => this.#goodbye(fault.seat));
        return fault.back ? end(() => this.#start(fault.seat)) : undefined;
      case "freeze":
      case "slow": {
        let process: Process | undefined;
        begin(() => {
          process = this.#seats[fault.seat]?.process;
          if (fault.kind === "freeze") process?.freeze();
          else process?.slow(fault.stepMs);
        });
        return end(() => process?.resume(fault.kind === "freeze" && fault.timersFirst));
      }
      case "partition": {
        const others = this.#others(fault.seats);
        this.#cut(fault, fault.seats, others);
        this.#cut(fault, others, fault.seats);
        return fault.told ? end(() => this.#gap([...fault.seats, ...others])) : undefined;
      }
      case "cut":
        return this.#cut(fault, fault.from, fault.to);
      case "gap":
        this.#cut(fault, this.#others([fault.seat]), [fault.seat]);
        return end(() => this.#gap([fault.seat]));
      case "outage": {
        begin(() => this.#outage(fault.seats, 1));
        this.#at(at + fault.noticedMs, () => this.#tell(fault.seats, "down"));
        end(() => this.#outage(fault.seats, -1));
        return this.#at(at + ms + BACK_AFTER_MS, () => this.#tell(fault.seats, "up"));
      }
      case "store":
        begin(() => this.#store!.away++);
        return end(() => this.#store!.away--);
      case "forget":
        return begin(() => this.#store!.forget());
      case "delay":
        begin(() => this.network.delay(fault.seat, fault.extraMs));
        return end(() => this.network.delay(fault.seat, -fault.extraMs));
      case "noise": {
        const base = this.#scenario.network === "hostile" ? HOSTILE : NO_NOISE;
        begin(() => this.network.noise = fault.noise);
        return this.#at(Math.min(at + ms, this.#scenario.quietAt - 1), () => this.network.noise = base);
      }
    }
  }

  #others(seats: readonly number[]): number[] {
    return this.#seats.map((_, seat) => seat).filter((seat) => !seats.includes(seat));
  }

  #cut({ at, ms }: Fault, from: readonly number[], to: readonly number[]): void {
    this.#at(at, () => this.network.cut(from, to, 1));
    this.#at(at + ms, () => this.network.cut(from, to, -1));
  }

  #outage(seats: readonly number[], by: 1 | -1): void {
    const everybody = this.#seats.map((_, seat) => seat);
    for (const seat of seats) this.#outages[seat]! += by;
    this.network.cut(seats, everybody, by);
    this.network.cut(everybody, seats, by);
  }

  #tell(seats: readonly number[], status: "up" | "down"): void {
    this.#each(seats, (life) => {
      const isDown = this.#outages[life.process.seat]! > 0;
      if (isDown === (status === "down")) this.#happens(life, () => life.line.tell(status));
    });
  }

  #gap(seats: readonly number[]): void {
    this.#each(seats, (life) => this.#happens(life, () => life.line.gap()));
  }

  /** Applies something to the living processes of some seats, to each in its own step. */
  #each(seats: readonly number[], run: (life: Life) => void): void {
    for (const seat of seats) {
      this.#at(this.schedule.now, () => {
        const life = this.#seats[seat];
        if (life) run(life);
      });
    }
  }

  /** Something happens to a process: when it is frozen or slow, later. */
  #happens({ process }: Life, run: () => void): void {
    process.take({ cancelled: false, code: 5, process, run });
  }

  #start(seat: number): void {
    if (this.#seats[seat]) return;
    if (this.#outages[seat]! > 0) {
      return this.#at(this.schedule.now + TIMES.heartbeatMs / 4, () => this.#start(seat));
    }
    const id = `n${String(seat).padStart(2, "0")}.${++this.#lives[seat]!}`;
    const wallOffsetMs = this.#random.below(7_200_000) - 3_600_000;
    const { schedule, network } = this;
    const process = new Process({
      schedule,
      id,
      seat,
      wallOffsetMs,
      onStep: (_process, step) => this.#note(seat, step),
      onTurn: () => this.live.get(id)?.check(),
      onAwait: (process) => this.unsettle(process),
    });
    const times = TIMES;
    const events: LineEvents = {
      onError: (cause, { stage }) => {
        throw new Violation(id, `${id} reported an error of stage "${stage}": ${cause}`, { cause });
      },
      onStatus: (status) => subject.status(status),
      onGap: () => subject.gap(),
      onNodeGone: (nodeId) => subject.gone(nodeId),
      onHeard: (from) => subject.heard(from),
    };
    const { seed, network: kind, counts, wire } = this.#scenario;
    const lineOptions = { ...events, process, network, counts, maxMessageBytes: MAX_MESSAGE_BYTES };
    const line = wire ? new WireLine(lineOptions) : new PlainLine(lineOptions);
    const subject = this.#system.create({
      process,
      seed,
      network: kind,
      times,
      truth: this,
      line,
      store: this.#store,
    });
    const life: Life = { process, subject, line, closing: false };
    this.#seats[seat] = life;
    this.live.set(id, subject);
    this.lifetimes.set(id, { id, seat, from: schedule.now, until: Infinity });
    process.awaits = true;
    process.turn(() => {
      line.open().then(() => subject.start()).then(
        () => process.awaits = wire || this.#system.awaits,
        (error) => this.failure ??= error,
      );
    });
  }

  #crash(seat: number, told: boolean): void {
    const life = this.#seats[seat];
    if (!life) return;
    this.#end(life);
    if (!told) return;
    for (const other of this.#seats) {
      if (!other) continue;
      const at = this.network.idleAt(seat, other.process.seat) + 1;
      this.#at(at, () => this.#happens(other, () => other.line.gone(life.process.id)));
    }
  }

  #goodbye(seat: number): void {
    const life = this.#seats[seat];
    if (!life || life.closing) return;
    life.closing = true;
    this.#happens(life, () => {
      const stopped = life.subject.stop();
      if (stopped) stopped.then(() => this.#left(life), (error) => this.failure ??= error);
      else this.#left(life);
    });
  }

  /** A process has said goodbye. */
  #left(life: Life): void {
    if (!life.process.alive) return;
    life.process.endTurn();
    this.#end(life);
    for (const other of this.#seats) if (other) this.#checkGoodbye(life, other);
  }

  /** Checks that a process that has got a goodbye no longer knows the node. */
  #checkGoodbye({ process: { id, seat } }: Life, { process, subject }: Life): void {
    if (!this.network.isOpen(seat, process.seat)) return;
    this.#at(this.network.idleAt(seat, process.seat) + 1, () => {
      if (!process.alive || !process.prompt || !subject.knows(id)) return;
      throw new Violation(process.id, `${process.id} still knows ${id}, whose goodbye has arrived`);
    });
  }

  #end({ process, line }: Life): void {
    if (!process.alive) return;
    line.close();
    process.kill();
    this.#seats[process.seat] = undefined;
    this.live.delete(process.id);
    this.lifetimes.get(process.id)!.until = this.schedule.now;
  }

  #act(operation: Operation): void {
    const life = this.#seats[operation.seat];
    if (!life) return;
    this.#happens(life, () => {
      if (!life.closing) life.subject.act?.(operation);
    });
  }

  #note(seat: number, { code }: Step): void {
    this.trace = mixed(mixed(mixed(this.trace, this.schedule.now), seat), code);
  }
}

/** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, by words in place of bytes. */
const mixed = (hash: number, word: number): number => Math.imul(hash ^ word, 0x01000193);
