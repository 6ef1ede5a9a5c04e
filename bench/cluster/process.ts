/**
 * A process that prints lines of JSON.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { endWithThis } from "../last_resort.ts";

/** A running process. */
export interface Running {
  /** The first line of JSON. Rejects if the process ends without one, or takes too long. */
  readonly said: Promise<unknown>;
  /** Waits for the next line of JSON, after the first one. */
  next(): Promise<unknown>;
  /** Asks the process to end by itself. */
  finish(): void;
  /** Ends the process; resolves when it is gone. */
  stop(): Promise<void>;
}

/** How long a process may take to print a line: longer than any load. */
const PATIENCE_MS = 180_000;

/**
 * Starts a process.
 *
 * @param command The command, and its arguments.
 * @param join If given, the process has a pipe to this one, and `join` gets the process.
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
  endWithThis(child, gone);
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
  said.catch(() => {}); // callers that wait for it get the error
  return {
    said,
    next,
    // Not by `child.kill`: on Deno a process counts as killed after any signal of `child.kill`.
    finish() {
      if (!failure) process.kill(child.pid!, "SIGTERM");
    },
    async stop() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
