/**
 * Signals to processes, which have come when the call returns.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** How long a process may take to stand still. */
const PATIENCE_MS = 5_000;

/**
 * Sends a signal to a process. After SIGSTOP it returns when the process stands still: on a busy machine its threads would
 * otherwise go on for some milliseconds, and answer what is sent to them after the call.
 *
 * @param pid The process.
 * @param signal The signal.
 * @throws {Error} When there is no such process, or it does not stand still within 5 s.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  process.kill(pid, signal);
  if (signal !== "SIGSTOP" || process.platform !== "linux") return;
  const end = performance.now() + PATIENCE_MS;
  while (!standsStill(pid)) {
    if (performance.now() > end) {
      throw new Error(`Cannot freeze process ${pid}: it goes on after ${PATIENCE_MS} ms`);
    }
    Atomics.wait(PAUSE, 0, 0, 1);
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** The states of a thread that does nothing any more: stopped, traced, or ended. */
const STILL = new Set(["T", "t", "Z", "X"]);

function standsStill(pid: number): boolean {
  try {
    // The state follows the name, which is in brackets and may hold anything.
    return readdirSync(`/proc/${pid}/task`).every((task) =>
      STILL.has(readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8").match(/\) (\S)/s)?.[1] ?? "")
    );
  } catch {
    return !isThere(pid); // a thread, or all of it, has just ended
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
