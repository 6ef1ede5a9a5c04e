/**
 * Programs that run as in a terminal: in a process group of their own, to which Ctrl+C goes as a whole.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { runtime, waitFor } from "../harness.ts";

/** How a program ended. */
export interface End {
  readonly code: number | null;
  readonly signal: string | null;
  /** How long after the signal, in milliseconds. */
  readonly ms: number;
}

/** A program that runs. Disposing of it kills it. */
export class TerminalProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  #hasEnded = false;
  #output = "";

  /**
   * @param folder Where it runs.
   * @param command What the runtime does: its arguments, without those for permissions.
   * @param file The program.
   */
  constructor(folder: string, command: readonly string[], file: string) {
    const flags = runtime === "deno" ? ["--quiet", "--allow-all"] : [];
    this.#child = spawn(process.execPath, [...command, ...flags, file], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a process group of its own
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on("data", (data) => this.#output += data);
    }
    this.#ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => {
        this.#hasEnded = true;
        resolve({ code, signal });
      });
    });
  }

  /** Its output so far, with errors. */
  get output(): string {
    return this.#output;
  }

  /** Sends a signal, as a terminal does: to the whole group. */
  signal(name: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
    process.kill(-this.#child.pid!, name);
  }

  /** Waits until it ends, at most so long. */
  async ended(timeoutMs: number): Promise<End> {
    const since = performance.now();
    await waitFor(() => this.#hasEnded, {
      timeoutMs,
      what: `the end of a program that printed: ${this.#output}`,
    });
    return { ...await this.#ended, ms: performance.now() - since };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.signal("SIGKILL");
    await this.#ended;
  }
}
