/**
 * How scripts and commands reach the servers that serve them: those of one turn in one write to each, and in the order of
 * the calls.
 *
 * @module
 */

import { type Clock, systemClock } from "../../../contract/clock.ts";
import type { Script } from "./script.ts";

/** A command and its arguments. */
export type RedisCommand = readonly string[];

/** There is no connection: nothing was sent. */
export class NotSentError extends Error {
  /** Whether there will never be one again. */
  readonly final: boolean;

  /**
   * @param message Why.
   * @param final Whether there will never be one again.
   */
  constructor(message: string, final: boolean = false) {
    super(message);
    this.final = final;
  }
}

/** The servers of one adapter. */
export interface RedisReach {
  /** The part that something with a name belongs to: all keys of a part are on one server. */
  partOf(name: string): number;
  /** What the names of keys in a part begin with; the prefix of the application is in it. */
  keysOf(part: number): string;
  /**
   * Sends commands in one write, in this order, over the connection to the server that serves a part now. Never again,
   * whatever happens.
   *
   * @returns What each is answered, or the error. Rejects with a {@linkcode NotSentError} when there is no connection.
   */
  run(part: number, commands: readonly RedisCommand[]): Promise<readonly unknown[]>;
  /** Where what is refused for now is worth a wait: a part may be on the move. */
  readonly patience?: {
    readonly clock: Clock;
    /** For how long it is asked again, in milliseconds. */
    readonly ms: number;
    /** Whether a server has refused for now, and has certainly done nothing. */
    isForNow(reply: Error): boolean;
  };
  /** Puts what Redis has said into words that may be logged; the error as it was is the cause. */
  explain(error: Error): Error;
}

/** The pause before what was refused for now is asked again, in milliseconds. */
const RETRY_MS = 25;
/** How many commands are one write at the most: answers are signs of life, and come with the last of them. */
const MAX_BATCH = 500;

interface Waiting {
  readonly command: RedisCommand;
  /** Where it is a script. */
  readonly script: Script | undefined;
  /** What it must not overtake, nor be overtaken by: others of the same name. */
  readonly row?: string;
  /** Until when it may be refused for now; absent: it may not. Set when it is. */
  patient?: boolean | number;
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

/** What is on its way to one part. */
interface Part {
  /** What is sent when the turn ends, or when those are back that have to be sent again. */
  waiting: Waiting[];
  /** How many writes have no answer yet. */
  underWay: number;
  /** Scripts that have to be sent again: they go first when all answers are there. */
  again: Waiting[];
  /** Whether after a pause. */
  pauses: boolean;
}

/** Sends what is asked for in one turn together. */
export class Batches {
  readonly #reach: RedisReach;
  readonly #clock: Pick<Clock, "endOfTurn">;
  readonly #parts = new Map<number, Part>();
  #flushing = false;

  /**
   * @param reach The servers.
   * @param clock Where turns come from: after microtasks alone, each client that is heard in a turn would have a write of its own.
   */
  constructor(reach: RedisReach, clock: Pick<Clock, "endOfTurn"> = systemClock) {
    this.#reach = reach;
    this.#clock = clock;
  }

  /** Sends a command. */
  send(part: number, ...command: string[]): Promise<unknown> {
    return this.#add(part, command);
  }

  /** Runs a script by its hash; as a whole where the server does not know it. */
  run(part: number, script: Script, keys: readonly string[], ...args: readonly string[]): Promise<unknown> {
    return this.#add(part, commandOf(script, keys, args), script);
  }

  /**
   * Runs a script as {@linkcode run} does, and asks again while it is refused for now.
   *
   * @param row Where it is given: in the order of the calls with this row, whatever happens meanwhile.
   */
  runPatiently(
    row: string | undefined,
    part: number,
    script: Script,
    keys: readonly string[],
    ...args: readonly string[]
  ): Promise<unknown> {
    return this.#add(part, commandOf(script, keys, args), script, { row, patient: true });
  }

  #add(
    index: number,
    command: RedisCommand,
    script?: Script,
    how: Pick<Waiting, "row" | "patient"> = {},
  ): Promise<unknown> {
    if (!this.#flushing) {
      this.#flushing = true;
      this.#clock.endOfTurn(() => this.#flush());
    }
    const part = this.#parts.get(index) ?? { waiting: [], underWay: 0, again: [], pauses: false };
    this.#parts.set(index, part);
    return new Promise((resolve, reject) => part.waiting.push({ command, script, ...how, resolve, reject }));
  }

  #flush(): void {
    this.#flushing = false;
    for (const [index, part] of this.#parts) {
      if (part.again.length === 0) this.#next(index, part);
    }
  }

  /** Sends what waits. */
  #next(index: number, part: Part): void {
    const { patience } = this.#reach;
    if (part.pauses && patience) {
      part.pauses = false;
      return void patience.clock.after(RETRY_MS, () => this.#next(index, part));
    }
    const batch = [...taught(part.again), ...part.waiting];
    part.again = [];
    part.waiting = [];
    for (let i = 0; i < batch.length; i += MAX_BATCH) {
      void this.#send(index, part, batch.slice(i, i + MAX_BATCH));
    }
    if (part.underWay === 0) this.#parts.delete(index);
  }

  async #send(index: number, part: Part, batch: readonly Waiting[]): Promise<void> {
    part.underWay++;
    try {
      const replies = await this.#reach.run(index, batch.map(({ command }) => command));
      for (const [i, one] of batch.entries()) this.#settle(part, one, replies[i]);
    } catch (error) {
      for (const one of batch) this.#refused(part, one, error as Error);
    }
    part.underWay--;
    if (part.underWay === 0) this.#next(index, part);
  }

  #settle(part: Part, one: Waiting, reply: unknown): void {
    if (!(reply instanceof Error)) {
      if (part.again.length > 0) this.#overtaken(part, one);
      one.resolve(reply);
    } else if (one.script && reply.message.startsWith("NOSCRIPT")) part.again.push(one);
    else this.#refused(part, one, reply);
  }

  #refused(part: Part, one: Waiting, error: Error): void {
    const isSent = !(error instanceof NotSentError);
    if (!this.#mayWait(one, error)) return one.reject(isSent ? this.#reach.explain(error) : error);
    part.again.push(one);
    part.pauses = true;
  }

  #mayWait(one: Waiting, error: Error): boolean {
    const { patience } = this.#reach;
    if (!patience || !one.patient) return false;
    if (error instanceof NotSentError ? error.final : !patience.isForNow(error)) return false;
    const now = patience.clock.now();
    if (one.patient === true) one.patient = now + patience.ms;
    return now < one.patient;
  }

  /** The server takes them again, as another node has taught it the script: those before this one in its row come too late. */
  #overtaken(part: Part, { row }: Waiting): void {
    if (row === undefined) return;
    const late = new Error("TRYAGAIN A later one has been done already");
    for (const one of part.again) if (one.row === row) one.reject(this.#reach.explain(late));
    part.again = part.again.filter((one) => one.row !== row);
  }
}

function commandOf(script: Script, keys: readonly string[], args: readonly string[]): RedisCommand {
  return ["EVALSHA", script.sha, String(keys.length), ...keys, ...args];
}

/** Has the first of each script teach it to the server. */
function taught(again: readonly Waiting[]): Waiting[] {
  const known = new Set<Script>();
  return again.map((one) => {
    const { command, script, ...others } = one;
    if (!script || known.has(script)) return one;
    known.add(script);
    return { ...others, command: ["EVAL", script.text, ...command.slice(2)], script: undefined };
  });
}
