/**
 * Programs that tests run as their users do: as processes, on the runtime that runs the test.
 *
 * @module
 */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import process from "node:process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { waitFor } from "../harness.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** How long a program may take to end by itself. */
const END_MS = 10_000;

/** A program that was started. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<number | null>;
  #hasEnded = false;
  #output = "";
  #stdout = "";

  /**
   * Starts a program of this runtime.
   *
   * @param args The runtime's arguments.
   * @param env Variables to add to the environment.
   * @param cwd The folder to run it in; the repository's root when absent.
   */
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd: string = ROOT) {
    this.#child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout.on("data", (data) => {
      this.#stdout += data;
      this.#output += data;
    });
    this.#child.stderr.on("data", (data) => this.#output += data);
    // Not "exit": what was printed last may come after that.
    this.#ended = new Promise((resolve) => {
      this.#child.on("close", (code) => {
        this.#hasEnded = true;
        resolve(code);
      });
    });
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** Everything that it has printed so far, errors too. */
  get output(): string {
    return this.#output;
  }

  /** Whether it has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Waits until it has printed something. */
  async printed(pattern: RegExp, timeoutMs = 45_000): Promise<RegExpExecArray> {
    const found = () => pattern.exec(this.#output);
    try {
      await waitFor(() => found() || this.#hasEnded, { timeoutMs });
    } catch {
      // Told below, with what it did print.
    }
    const match = found();
    if (!match) throw new Error(`The program did not print ${pattern}, but: ${this.#output}`);
    return match;
  }

  /** Waits for its end. */
  async ended(): Promise<{ readonly code: number | null; readonly stdout: string; readonly output: string }> {
    const code = await this.#ended;
    return { code, stdout: this.#stdout, output: this.#output };
  }

  /** Ends it as Ctrl+C does; with `"SIGHUP"`, as a closed terminal does. */
  interrupt(signal: "SIGINT" | "SIGHUP" = "SIGINT"): void {
    // Not the child's own `kill`: after it, Deno always reports the signal instead of the exit code.
    process.kill(this.#child.pid!, signal);
  }

  /** Ends it, and with it the programs that it has started: those would keep its output open. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGTERM");
    const kill = setTimeout(() => {
      this.#child.kill("SIGKILL");
      this.#child.stdout.destroy();
      this.#child.stderr.destroy();
    }, END_MS);
    await this.#ended;
    clearTimeout(kill);
  }
}
