/**
 * What a simulation needs to know of that which it tests.
 *
 * @module
 */

import type { Line } from "./line.ts";
import type { Random } from "../load/random.ts";
import type { NetworkKind } from "./network.ts";
import type { Process } from "./process.ts";
import type { Schedule } from "./schedule.ts";
import type { Operation } from "./workload.ts";

/** The options of the hub's code in every run, in milliseconds. */
export interface Times {
  /** How often a node says that it lives. */
  readonly heartbeatMs: number;
  /** How long another one may be silent. */
  readonly nodeTimeoutMs: number;
  /** How long a node waits for the others when it starts. */
  readonly joinTimeoutMs: number;
}

/** The times of all runs. A node timeout is the least that a hub accepts: three heartbeats. */
export const TIMES: Times = { heartbeatMs: 1_000, nodeTimeoutMs: 3_000, joinTimeoutMs: 250 };

/** A rule that a run has broken. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** The node that broke the rule; `undefined` if it is no single node. */
  readonly node: string | undefined;

  /**
   * @param node The node that broke it.
   * @param message What it did.
   * @param options The cause, where code has thrown.
   */
  constructor(node: string | undefined, message: string, options?: ErrorOptions) {
    super(message, options);
    this.node = node;
  }
}

/** The truth, which no node in the run can see. */
export interface Truth {
  /** The processes that have not ended, by node id. */
  readonly live: ReadonlyMap<string, Subject>;
  /** Every process that there ever was, by node id: when it ended, in milliseconds; `Infinity` while it lives. */
  readonly lifetimes: ReadonlyMap<string, { readonly until: number }>;
}

/** The options of {@linkcode System.createStore}. */
export interface SharedStoreOptions {
  /** The virtual time. */
  readonly schedule: Schedule;
  /** Where chance comes from. */
  readonly random: Random;
  /** How long a call, and its answer, takes at least, in milliseconds. */
  readonly delayMs: number;
  /** By how much longer it may take, in milliseconds. */
  readonly jitterMs: number;
  /** From when on nothing is lost any more, in milliseconds. */
  readonly quietAt: number;
  /** Whether a seat cannot reach its backplane, of which the store is a part. */
  isCutOff(seat: number): boolean;
  /** Promises of a process may have to go on. */
  unsettle(process: Process): void;
}

/** A store that all processes of a run share. */
export interface SharedStore {
  /** How many faults stop all nodes. */
  away: number;
  /** Loses everything. */
  forget(): void;
}

/** The environment of the code under test. */
export interface Environment {
  /** Its process, which is its clock too. */
  readonly process: Process;
  /** Where chance in it comes from. */
  readonly seed: number;
  /** The promises of the network. */
  readonly network: NetworkKind;
  /** Its times. */
  readonly times: Times;
  /** The truth. */
  readonly truth: Truth;
  /** The store that all share, where the system has one. */
  readonly store: SharedStore | undefined;
  /** Its way to the others; open when `start` is called. */
  readonly line: Line;
}

/** The code under test in one process. */
export interface Subject {
  /** Its process. */
  readonly process: Process;
  /** The line is open: begins. */
  start(): Promise<void>;
  /** Says goodbye. When this has resolved, the line is closed. */
  stop(): void | Promise<void>;
  /** Executes an action of a user. */
  act?(operation: Operation): void;
  /** Something of a node has arrived. */
  heard(from: string): void;
  /** The backplane is reachable, or not. */
  status(status: "up" | "down"): void;
  /** Messages may have been missed. */
  gap(): void;
  /** The process of a node has ended. */
  gone(nodeId: string): void;
  /** Checks what has to hold after every step of the process. Throws a {@linkcode Violation}. */
  check(): void;
  /** Whether it needs a node, or a member on the node. */
  knows(nodeId: string): boolean;
  /**
   * How its view differs from the truth; `undefined` when it does not.
   *
   * @param isLast Whether the run ends with it, so that it may take longer.
   */
  difference(isLast: boolean): string | undefined;
}

/** Something that can be simulated. */
export interface System {
  /** Its name, for the command line. */
  readonly name: string;
  /** Within how many heartbeats every view is true when nothing goes wrong any more. */
  readonly quietBeats: number;
  /** Whether it has promises under way all the time, not only while it starts. */
  readonly awaits: boolean;
  /** Creates the store that all processes share, where there is one. */
  createStore?(options: SharedStoreOptions): SharedStore;
  /** How many operations of users a run has for each node, about; 0 where users do nothing. */
  readonly operations: number;
  /**
   * In what nodes disagree that each of them may think right; `undefined` when they agree.
   *
   * @param subjects All of them.
   * @param isLast Whether the run ends with it, so that it may take longer.
   */
  disagreement?(subjects: Iterable<Subject>, isLast: boolean): string | undefined;
  /** Creates it in a process. */
  create(environment: Environment): Subject;
}
