/**
 * Sends signals to processes. A signal has arrived when the call returns.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** How long a process may take to freeze, in milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Sends a signal to a process. After SIGSTOP it returns when the process is frozen. On a busy machine its threads would
 * otherwise go on for some milliseconds, and answer messages that arrive after the call.
 *
 * @param pid The process.
 * @param signal The signal.
 * @throws {Error} If there is no such process, or it does not freeze within 5 s.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  process.kill(pid, signal);
  if (signal !== "SIGSTOP" || process.platform !== "linux") return;
  const end = performance.now() + PATIENCE_MS;
  while (!standsStill(pid)) {
    if (performance.now() > end) {
      throw new Error(`Cannot freeze process ${pid}: it still runs after ${PATIENCE_MS} ms`);
    }
    Atomics.wait(PAUSE, 0, 0, 1);
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** The states of a thread that does not run any more: stopped, traced, or ended. */
const STILL = new Set(["T", "t", "Z", "X"]);

function standsStill(pid: number): boolean {
  try {
    // The state follows the name, which is in brackets and may contain any characters.
    return readdirSync(`/proc/${pid}/task`).every((task) =>
      STILL.has(readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8").match(/\) (\S)/s)?.[1] ?? "")
    );
  } catch {
    return !isThere(pid); // a thread, or the whole process, has just ended
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
