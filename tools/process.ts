/**
 * Running other programs.
 *
 * @module
 */

import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { exists, ROOT } from "./files.ts";

/** How a program ended. */
export interface Outcome {
  /** The exit code. */
  code: number;
  /** Its output, standard output first. */
  output: string;
}

/**
 * Runs a program and collects its output.
 *
 * @param command The program and its arguments.
 * @param cwd The folder to run it in; the repository's root when absent.
 * @returns How it ended.
 */
export async function capture([program, ...args]: string[], cwd: string = ROOT): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/**
 * Runs a program in the repository's root. Its output goes to the terminal.
 *
 * @param command The program and its arguments.
 * @param env Variables to add to its environment.
 * @param signal Ends it early.
 * @returns Its exit code.
 */
export async function run(
  [program, ...args]: string[],
  env: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<number> {
  const child = new Deno.Command(program, { args, env, cwd: ROOT, stdin: "null", signal }).spawn();
  return (await child.status).code;
}

/** How many lines of a program's output are kept. */
const KEPT_LINES = 12;

/**
 * Runs a program in the repository's root and prints its output line by line. Each line begins with a mark, so that a reader can
 * distinguish programs that run at the same time.
 *
 * @param mark The beginning of each line.
 * @param command The program and its arguments.
 * @param env Variables to add to its environment.
 * @param signal Ends it early.
 * @returns How it ended, with the last lines that it printed.
 */
export async function runMarked(
  mark: string,
  [program, ...args]: string[],
  env: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Outcome> {
  const options = { args, env, cwd: ROOT, signal, stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(program, options).spawn();
  const last: string[] = [];
  const print = async (stream: ReadableStream) => {
    const input = Readable.fromWeb(stream as never); // the same stream, but Deno and Node have different types for it
    for await (const line of createInterface({ input })) {
      console.log(`${mark} ${line}`);
      if (last.push(line) > KEPT_LINES) last.shift();
    }
  };
  const [{ code }] = await Promise.all([child.status, print(child.stdout), print(child.stderr)]);
  return { code, output: last.join("\n") };
}

/**
 * Finds a program on the PATH.
 *
 * @param names The possible names, the preferred one first.
 * @returns Its absolute path, or `undefined` if there is none.
 */
export async function findProgram(...names: string[]): Promise<string | undefined> {
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter).filter(Boolean);
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (await exists(path)) return path;
    }
  }
  return undefined;
}
