/**
 * How scripts and commands reach the servers that serve them: those of one turn in one write to each.
 *
 * @module
 */

import type { Script } from "./scripts.ts";

/** A command and its arguments. */
export type RedisCommand = readonly string[];

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
   * @returns What each is answered, or the error. Rejects when there is no connection.
   */
  run(part: number, commands: readonly RedisCommand[]): Promise<readonly unknown[]>;
  /** Puts what Redis has said into words that may be logged. */
  explain(error: Error): Error;
}

interface Waiting {
  readonly command: RedisCommand;
  /** Where it is a script. */
  readonly script: Script | undefined;
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

/** Sends what is asked for in one turn together. */
export class Batches {
  readonly #reach: RedisReach;
  readonly #parts = new Map<number, Waiting[]>();

  /** @param reach The servers. */
  constructor(reach: RedisReach) {
    this.#reach = reach;
  }

  /** Sends a command. */
  send(part: number, ...command: string[]): Promise<unknown> {
    return this.#add(part, command, undefined);
  }

  /** Runs a script by its hash; as a whole where the server does not know it. */
  run(part: number, script: Script, keys: readonly string[], ...args: readonly string[]): Promise<unknown> {
    return this.#add(part, ["EVALSHA", script.sha, String(keys.length), ...keys, ...args], script);
  }

  #add(part: number, command: RedisCommand, script: Script | undefined): Promise<unknown> {
    if (this.#parts.size === 0) queueMicrotask(() => this.#flush());
    const waiting = this.#parts.get(part) ?? [];
    this.#parts.set(part, waiting);
    return new Promise((resolve, reject) => waiting.push({ command, script, resolve, reject }));
  }

  #flush(): void {
    for (const [part, waiting] of this.#parts) void this.#send(part, waiting);
    this.#parts.clear();
  }

  async #send(part: number, waiting: readonly Waiting[]): Promise<void> {
    try {
      const replies = await this.#reach.run(part, waiting.map(({ command }) => command));
      const unknown: Waiting[] = [];
      for (const [i, one] of waiting.entries()) {
        const reply = replies[i];
        if (!(reply instanceof Error)) one.resolve(reply);
        else if (one.script && reply.message.startsWith("NOSCRIPT")) unknown.push(asText(one, one.script));
        else one.reject(this.#reach.explain(reply));
      }
      if (unknown.length > 0) await this.#send(part, unknown);
    } catch (error) {
      for (const { reject } of waiting) reject(error as Error);
    }
  }
}

function asText({ command, resolve, reject }: Waiting, { text }: Script): Waiting {
  return { command: ["EVAL", text, ...command.slice(2)], script: undefined, resolve, reject };
}
