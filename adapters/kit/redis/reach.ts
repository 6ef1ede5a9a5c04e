/**
 * How scripts and commands reach the servers that serve them: those of one turn in one write to each, and in the order of
 * the calls.
 *
 * @module
 */

import type { Script } from "./script.ts";

/** A command and its arguments. */
export type RedisCommand = readonly string[];

/** There is no connection: nothing was sent. */
export class NotSentError extends Error {}

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
  /** Puts what Redis has said into words that may be logged; the error as it was is the cause. */
  explain(error: Error): Error;
}

/** How many commands are one write at the most: answers are signs of life, and come with the last of them. */
const MAX_BATCH = 500;

interface Waiting {
  readonly command: RedisCommand;
  /** Where it is a script. */
  readonly script: Script | undefined;
  /** What it must not overtake, nor be overtaken by: others of the same name. */
  readonly row: string | undefined;
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

/** What is on its way to one part. */
interface Part {
  /** What is sent when the turn ends, or when those are back that have to be sent again. */
  waiting: Waiting[];
  /** How many writes have no answer yet. */
  underWay: number;
  /** Scripts that the server does not know: they go first when all answers are there. */
  unknown: Waiting[];
}

/** Sends what is asked for in one turn together. */
export class Batches {
  readonly #reach: RedisReach;
  readonly #parts = new Map<number, Part>();
  #flushing = false;

  /** @param reach The servers. */
  constructor(reach: RedisReach) {
    this.#reach = reach;
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
   * Runs a script as {@linkcode run} does, in the order of the calls with this row, whatever a server forgets
   * meanwhile.
   *
   * @param row What it is in line with.
   */
  runInRow(
    row: string,
    part: number,
    script: Script,
    keys: readonly string[],
    ...args: readonly string[]
  ): Promise<unknown> {
    return this.#add(part, commandOf(script, keys, args), script, row);
  }

  #add(index: number, command: RedisCommand, script?: Script, row?: string): Promise<unknown> {
    if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
    const part = this.#parts.get(index) ?? { waiting: [], underWay: 0, unknown: [] };
    this.#parts.set(index, part);
    return new Promise((resolve, reject) => part.waiting.push({ command, script, row, resolve, reject }));
  }

  #flush(): void {
    this.#flushing = false;
    for (const [index, part] of this.#parts) {
      if (part.unknown.length === 0) this.#next(index, part);
    }
  }

  /** Sends what waits. */
  #next(index: number, part: Part): void {
    const batch = [...taught(part.unknown), ...part.waiting];
    part.unknown = [];
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
      for (const { reject } of batch) reject(error as Error);
    }
    part.underWay--;
    if (part.underWay === 0) this.#next(index, part);
  }

  #settle(part: Part, one: Waiting, reply: unknown): void {
    if (!(reply instanceof Error)) {
      if (part.unknown.length > 0) this.#overtaken(part, one);
      one.resolve(reply);
    } else if (one.script && reply.message.startsWith("NOSCRIPT")) part.unknown.push(one);
    else one.reject(this.#reach.explain(reply));
  }

  /** Another node has taught the server the script meanwhile: those before this one in its row come too late. */
  #overtaken(part: Part, { row }: Waiting): void {
    if (row === undefined) return;
    for (const one of part.unknown.filter((unknown) => unknown.row === row)) {
      const cause = new Error("NOSCRIPT The server has forgotten its scripts");
      one.reject(this.#reach.explain(cause));
    }
    part.unknown = part.unknown.filter((unknown) => unknown.row !== row);
  }
}

function commandOf(script: Script, keys: readonly string[], args: readonly string[]): RedisCommand {
  return ["EVALSHA", script.sha, String(keys.length), ...keys, ...args];
}

/** Has the first of each script teach it to the server. */
function taught(unknown: readonly Waiting[]): Waiting[] {
  const known = new Set<Script>();
  return unknown.map((one) => {
    const { command, script, ...others } = one;
    if (known.has(script!)) return one;
    known.add(script!);
    return { ...others, command: ["EVAL", script!.text, ...command.slice(2)], script: undefined };
  });
}
