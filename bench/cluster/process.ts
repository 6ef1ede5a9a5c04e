/**
 * A process that prints lines of JSON.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";

/** A process that runs. */
export interface Running {
  /** What the first line of JSON says. Rejects when the process ends without one, or takes too long. */
  readonly said: Promise<unknown>;
  /** Waits for what the next line of JSON says, of those after the first one. */
  next(): Promise<unknown>;
  /** Asks it to come to an end by itself. */
  finish(): void;
  /** Ends it; resolves when it is gone. */
  stop(): Promise<void>;
}

/** So long a process may take to say something: longer than any load. */
const PATIENCE_MS = 180_000;

/**
 * Starts a process.
 *
 * @param command The command, and its arguments.
 * @param join Is given the process, which then has a pipe to this one.
 */
export function start(
  { command, args }: { readonly command: string; readonly args: readonly string[] },
  join?: (child: ChildProcess) => void,
): Running {
  const child = spawn(command, [...args], {
    stdio: ["ignore", "pipe", "inherit", ...(join ? ["ipc" as const] : [])],
  });
  join?.(child);
  const gone = once(child, "close").catch(() => {});
  const waiting: PromiseWithResolvers<unknown>[] = [];
  const lines: unknown[] = [];
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  child.on("error", fail);
  child.on("close", () => fail(new Error(`${[command, ...args].join(" ")} ended without a result`)));
  createInterface({ input: child.stdout! }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const [first] = waiting.splice(0, 1);
    if (first) first.resolve(JSON.parse(line));
    else lines.push(JSON.parse(line));
  });
  const next = (): Promise<unknown> => {
    if (lines.length > 0) return Promise.resolve(lines.shift());
    if (failure) return Promise.reject(failure);
    const line = Promise.withResolvers<unknown>();
    waiting.push(line);
    const late = setTimeout(() => line.reject(new Error(`${command} says nothing`)), PATIENCE_MS);
    return line.promise.finally(() => clearTimeout(late));
  };
  const said = next();
  said.catch(() => {}); // whoever waits for it hears of it
  return {
    said,
    next,
    // Not by `child.kill`: on Deno, what was sent a signal by that counts as killed.
    finish() {
      if (!failure) process.kill(child.pid!, "SIGTERM");
    },
    async stop() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
