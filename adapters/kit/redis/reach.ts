/**
 * Sends scripts and commands to the servers that serve them. The commands of one turn go to each server in one write,
 * in the order of the calls.
 *
 * @module
 */

import { type Clock, systemClock } from "../../../contract/clock.ts";
import { isReply } from "./errors.ts";
import { type Asked, type Question, runsOf } from "./questions.ts";
import { commandOf, type Script } from "./script.ts";

/** A command and its arguments. */
export type RedisCommand = readonly string[];

/** There is no connection: nothing was sent. */
export class NotSentError extends Error {
  /** Whether there will be no connection any more. */
  readonly final: boolean;

  /**
   * @param message Why.
   * @param final Whether there will be no connection any more.
   */
  constructor(message: string, final: boolean = false) {
    super(message);
    this.final = final;
  }
}

/** The servers of one adapter. */
export interface RedisReach {
  /** The part that a name belongs to: all keys of a part are on one server. */
  partOf(name: string): number;
  /** The start of the names of keys in a part. It contains the prefix of the application. */
  keysOf(part: number): string;
  /**
   * Sends commands in one write, in this order, over the connection to the server that serves a part now. It never
   * sends a command again.
   *
   * @returns The answer to each command, or the error. Rejects with a {@linkcode NotSentError} when there is no
   * connection.
   */
  run(part: number, commands: readonly RedisCommand[]): Promise<readonly unknown[]>;
  /** Set if it is worth retrying a temporary refusal: a part may be moving to another server. */
  readonly patience?: {
    readonly clock: Clock;
    /** For how long to retry, in milliseconds. */
    readonly ms: number;
    /** Whether a server's refusal is temporary, and the server has certainly done nothing. */
    isForNow(reply: Error): boolean;
  };
  /** Puts Redis' error into a text that may be logged. The original error is the cause. */
  explain(error: Error): Error;
}

/** The pause before a retry after a temporary refusal, in milliseconds. */
const RETRY_MS = 25;
/** The most commands in one write. Answers are signs of life, and they come only after the last command of a write. */
const MAX_BATCH = 500;

interface Waiting {
  readonly command: RedisCommand;
  /** The script, if the command is one. */
  readonly script: Script | undefined;
  /** The row that it belongs to. Commands of one row must not overtake each other. */
  readonly row?: string;
  /** Until when to retry temporary refusals; absent: do not retry. `true` until the first refusal sets the time. */
  patient?: boolean | number;
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

/** The commands on their way to one part. */
interface Part {
  /** Sent when the turn ends, or when all answers are there if scripts have to be sent again. */
  waiting: Waiting[];
  /** Sent behind them. */
  asked: Map<Question, Asked[]>;
  /** The number of writes that are not settled. */
  underWay: number;
  /** Resolves when the newest write is settled. */
  settled: Promise<void>;
  /** Scripts that have to be sent again: they go first when all answers are there. */
  again: Waiting[];
  /** Whether to pause before these scripts are sent again. */
  pauses: boolean;
}

/** Sends the commands of one turn together. */
export class Batches {
  readonly #reach: RedisReach;
  readonly #clock: Pick<Clock, "endOfTurn">;
  readonly #parts = new Map<number, Part>();
  #flushing = false;

  /**
   * @param reach The servers.
   * @param clock The source of turns. With microtasks alone, each client message of a turn would cause its own write.
   */
  constructor(reach: RedisReach, clock: Pick<Clock, "endOfTurn"> = systemClock) {
    this.#reach = reach;
    this.#clock = clock;
  }

  /** Sends a command. */
  send(part: number, ...command: string[]): Promise<unknown> {
    return this.#add(part, command);
  }

  /** Runs a script by its hash. If the server does not know the hash, it sends the whole script. */
  run(part: number, script: Script, keys: readonly string[], ...args: readonly string[]): Promise<unknown> {
    return this.#add(part, commandOf(script, keys, args), script);
  }

  /**
   * Runs a script as {@linkcode run} does, and retries while the refusal is temporary.
   *
   * @param row If given: calls with this row take effect in the order of the calls, in any case.
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

  /**
   * Asks a question about a key. All calls of one turn share runs of the script, which retry as
   * {@linkcode runPatiently} does. They come after the other calls of the turn.
   *
   * @returns The answer for this key. If a run fails, all its calls reject.
   */
  ask(part: number, question: Question, key: string): Promise<unknown> {
    const { asked } = this.#soon(part);
    const calls = asked.get(question) ?? [];
    asked.set(question, calls);
    return new Promise((resolve, reject) => calls.push({ key, resolve, reject }));
  }

  #add(
    index: number,
    command: RedisCommand,
    script?: Script,
    how: Pick<Waiting, "row" | "patient"> = {},
  ): Promise<unknown> {
    const { waiting } = this.#soon(index);
    return new Promise((resolve, reject) => waiting.push({ command, script, ...how, resolve, reject }));
  }

  /** The part, whose calls are sent when the turn ends. */
  #soon(index: number): Part {
    if (!this.#flushing) {
      this.#flushing = true;
      this.#clock.endOfTurn(() => this.#flush());
    }
    const part = this.#parts.get(index) ??
      { waiting: [], asked: new Map(), underWay: 0, settled: Promise.resolve(), again: [], pauses: false };
    this.#parts.set(index, part);
    return part;
  }

  #flush(): void {
    this.#flushing = false;
    for (const [index, part] of this.#parts) {
      if (part.again.length === 0) this.#next(index, part);
    }
  }

  /** Sends the waiting commands. */
  #next(index: number, part: Part): void {
    const { patience } = this.#reach;
    if (part.pauses && patience) {
      part.pauses = false;
      return void patience.clock.after(RETRY_MS, () => this.#next(index, part));
    }
    const runs = runsOf(index, part.asked).map((run): Waiting => ({ ...run, patient: true }));
    const batch = [...taught(part.again), ...part.waiting, ...runs];
    part.again = [];
    part.waiting = [];
    part.asked.clear();
    for (let i = 0; i < batch.length; i += MAX_BATCH) {
      part.settled = this.#send(index, part, batch.slice(i, i + MAX_BATCH), part.settled);
    }
    if (part.underWay === 0 && this.#parts.get(index) === part) this.#parts.delete(index);
  }

  /**
   * Sends a write. Settles its calls with a row after the write before it, although their answers may be here earlier, as
   * over a new connection. Else a script that has to be sent again could come after a later one of its row, which a
   * server has taken meanwhile.
   */
  async #send(index: number, part: Part, batch: readonly Waiting[], earlier: Promise<void>): Promise<void> {
    part.underWay++;
    const [outcome] = await Promise.allSettled([this.#reach.run(index, batch.map(({ command }) => command))]);
    const settle = (withRow: boolean) => {
      for (const [i, one] of batch.entries()) {
        if ((one.row !== undefined) !== withRow) continue;
        if (outcome.status === "fulfilled") this.#settle(part, one, outcome.value[i]);
        else this.#refused(part, one, outcome.reason as Error);
      }
    };
    settle(false);
    await earlier;
    settle(true);
    part.underWay--;
    if (part.underWay === 0) this.#next(index, part);
  }

  #settle(part: Part, one: Waiting, reply: unknown): void {
    if (!(reply instanceof Error)) {
      this.#overtaken(part, one);
      one.resolve(reply);
    } else if (one.script && reply.message.startsWith("NOSCRIPT")) part.again.push(one);
    else this.#refused(part, one, reply);
  }

  #refused(part: Part, one: Waiting, error: Error): void {
    if (this.#mayWait(one, error)) {
      part.again.push(one);
      part.pauses = true;
    } else if (error instanceof NotSentError) one.reject(error);
    else {
      if (!isReply(error)) this.#overtaken(part, one);
      one.reject(this.#reach.explain(error));
    }
  }

  #mayWait(one: Waiting, error: Error): boolean {
    const { patience } = this.#reach;
    if (!patience || !one.patient) return false;
    if (error instanceof NotSentError ? error.final : !patience.isForNow(error)) return false;
    const now = patience.clock.now();
    if (one.patient === true) one.patient = now + patience.ms;
    return now < one.patient;
  }

  /**
   * The server has taken a later script, because another node has loaded it meanwhile, or may have taken it before the
   * connection was lost. The earlier ones of its row come too late.
   */
  #overtaken(part: Part, { row }: Waiting): void {
    if (row === undefined || part.again.length === 0) return;
    const late = new Error("TRYAGAIN A later command has been done already");
    for (const one of part.again) if (one.row === row) one.reject(this.#reach.explain(late));
    part.again = part.again.filter((one) => one.row !== row);
    // Else a later write would begin the pause, and its end would send a call again while later ones are under way.
    if (part.again.length === 0) part.pauses = false;
  }
}

/** Sends the first of each script as a whole, so that the server learns it. */
function taught(again: readonly Waiting[]): Waiting[] {
  const known = new Set<Script>();
  return again.map((one) => {
    const { command, script, ...others } = one;
    if (!script || known.has(script)) return one;
    known.add(script);
    return { ...others, command: ["EVAL", script.text, ...command.slice(2)], script: undefined };
  });
}
