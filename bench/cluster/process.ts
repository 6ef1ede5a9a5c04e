/**
 * A process that prints a line of JSON.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A process that runs. */
export interface Running {
  /** What the first line of JSON says. Rejects when the process ends without one, or takes too long. */
  readonly said: Promise<unknown>;
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
  const said = new Promise<unknown>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${command} says nothing`)), PATIENCE_MS);
    const fail = (error: Error) => {
      clearTimeout(late);
      reject(error);
    };
    child.on("error", fail);
    child.on("close", () => fail(new Error(`${[command, ...args].join(" ")} ended without a result`)));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (!line.startsWith("{")) return;
      clearTimeout(late);
      resolve(JSON.parse(line));
    });
  });
  said.catch(() => {}); // whoever waits for it hears of it
  return {
    said,
    async stop() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
