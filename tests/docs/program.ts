/**
 * Programs in processes of their own, run by the runtime that runs the tests.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { runtime } from "../harness.ts";

/** A program that runs. Disposing of it kills it. */
export interface Program extends AsyncDisposable {
  /** Sends SIGTERM; resolves to the exit code, and the signal if one ended it. */
  terminate(): Promise<unknown[]>;
}

/**
 * Starts a program that serves.
 *
 * @param folder Where it is.
 * @param command What the runtime does with it.
 * @param file The program.
 * @param port Passed on as the variable PORT.
 */
export function startProgram(
  folder: string,
  command: readonly string[],
  file: string,
  port: number,
): Program {
  const flags = runtime === "deno" ? ["--quiet", "--allow-all"] : [];
  const child = spawn(process.execPath, [...command, ...flags, file], {
    cwd: folder,
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = once(child, "exit");
  return {
    terminate() {
      process.kill(child.pid!, "SIGTERM"); // Deno's `child.kill` always reports that the signal ended it
      return exited;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
