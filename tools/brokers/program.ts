/**
 * Servers as processes. Tests start them in their own folders, kill and freeze them, and start them again.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { PortTakenError } from "./ports.ts";
import { sendSignal } from "./signal.ts";

/** A server that tests use, and stop. */
export interface Broker extends AsyncDisposable {
  /** Its address, for adapters. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Whether it runs, and is not paused. */
  readonly running: boolean;
  /** Kills it (SIGKILL); resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to end, as an administrator would: it closes the connections of its clients. Resolves when it is gone. */
  end(): Promise<void>;
  /** Starts it again on the same port; resolves when it serves. */
  start(): Promise<void>;
  /** Freezes it (SIGSTOP): its connections stay open, but it does not answer. */
  pause(): void;
  /** Ends `pause`. */
  resume(): void;
  /** Ends it and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

/** A program, and how to start it. */
export interface ProgramOptions {
  /** Its path. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** The line that it prints when it serves. */
  readonly ready: RegExp;
  /**
   * How long it may take until it serves, in milliseconds.
   *
   * @default {30_000}
   */
  readonly timeoutMs?: number;
}

const FOLDER_PREFIX = "trunkline-broker-";

/** This file is in a program's folder while it runs. With it, {@linkcode killLeftovers} finds programs that were not ended. */
const PID_FILE = "pid";

/**
 * The program's process writes the file itself, because the process that starts it may be killed right after the start. If the
 * folder is gone already, nothing starts.
 */
const WITH_PID_FILE = 'echo $$ > "$0" && exec "$@"';

const POLL_INTERVAL_MS = 10;

/** How long the port of a killed program may stay taken, in milliseconds. */
const PORT_PATIENCE_MS = 10_000;

/** A program that runs in its own folder until it is stopped. */
export class Program implements AsyncDisposable {
  readonly #options: ProgramOptions;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #paused = false;

  private constructor(options: ProgramOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /**
   * Starts a program and waits until it serves.
   *
   * @param options The program.
   * @returns The program. Rejects with {@linkcode PortTakenError} if another program has its port.
   */
  static async start(options: ProgramOptions): Promise<Program> {
    const program = new Program(options, await mkdtemp(join(tmpdir(), FOLDER_PREFIX)));
    try {
      await program.#launch();
    } catch (error) {
      await program.stop();
      throw error;
    }
    return program;
  }

  /** Whether it runs, and is not paused. */
  get running(): boolean {
    return this.#child !== undefined && !this.#paused;
  }

  /** Its folder, until it is stopped. */
  get folder(): string {
    return this.#folder;
  }

  /** The running process, if there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the program again after a kill. */
  async start(): Promise<void> {
    const end = performance.now() + PORT_PATIENCE_MS;
    for (;;) {
      try {
        return await this.#launch();
      } catch (error) {
        if (!(error instanceof PortTakenError) || performance.now() > end) throw error;
      }
    }
  }

  /** Kills it; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#gone;
  }

  /**
   * Asks it to end; resolves when it is gone.
   *
   * @param signal The signal on which it ends.
   */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#signal(signal);
    await this.#gone;
  }

  /** Freezes it. */
  pause(): void {
    this.#signal("SIGSTOP");
    this.#paused = true;
  }

  /** Ends `pause`. */
  resume(): void {
    this.#signal("SIGCONT");
    this.#paused = false;
  }

  /** Kills it and removes its folder. Its data are not needed, so it need not end gracefully. Idempotent. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #launch(): Promise<void> {
    if (this.#child) throw new TypeError("Cannot start a program that already runs");
    const { program, args } = this.#options;
    // A file, not a pipe: no code must read it while tests run, and the program never waits when it writes.
    const path = join(this.#folder, "output.log");
    const log = openSync(path, "w");
    const command = ["-c", WITH_PID_FILE, join(this.#folder, PID_FILE), program, ...args];
    const child = spawn("/bin/sh", command, { cwd: this.#folder, stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    this.#paused = false;
    let failure: string | undefined;
    // The last resort, if this process ends in the middle of a test.
    const onExit = () => {
      child.kill("SIGKILL");
      rmSync(this.#folder, { recursive: true, force: true });
    };
    process.on("exit", onExit);
    this.#gone = new Promise((resolve) => {
      const onEnd = (why: string) => {
        if (failure !== undefined) return;
        failure = why;
        process.off("exit", onExit);
        rmSync(join(this.#folder, PID_FILE), { force: true });
        this.#child = undefined;
        resolve();
      };
      child.once("error", ({ message }) => onEnd(message));
      child.once("exit", (code, signal) => onEnd(`it ended with ${signal ?? `code ${code}`}`));
    });
    await this.#serves(path, () => failure);
  }

  async #serves(path: string, failure: () => string | undefined): Promise<void> {
    const { program, ready, timeoutMs = 30_000 } = this.#options;
    const end = performance.now() + timeoutMs;
    for (;;) {
      const ended = failure();
      const output = await readFile(path, "utf8").catch(() => "");
      if (ended !== undefined) {
        if (/address already in use/i.test(output)) throw new PortTakenError(`Cannot start ${program}`);
        throw new Error(`Cannot start ${program}: ${ended}: ${output.trim().slice(-1_000)}`);
      }
      if (ready.test(output)) return;
      if (performance.now() > end) {
        await this.kill();
        throw new Error(`Cannot start ${program}: it does not serve after ${timeoutMs} ms: ${output.trim()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  }

  #signal(signal: NodeJS.Signals): void {
    // Not the child's own `kill`: after it, Deno always reports the signal instead of the exit code.
    if (this.#child?.pid !== undefined) sendSignal(this.#child.pid, signal);
  }
}

/**
 * Kills programs that were started with a given folder for temporary files, by processes that ended before they could stop them.
 *
 * @param temporary That folder, which no other processes use.
 * @returns The number of programs.
 */
export async function killLeftovers(temporary: string): Promise<number> {
  let count = 0;
  for (const name of await readdir(temporary)) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    // Rename the folder first: a program that has just been started has written its file by then, or cannot write it any more.
    const folder = join(temporary, `ended-${name}`);
    await rename(join(temporary, name), folder);
    const pid = Number(await readFile(join(folder, PID_FILE), "utf8").catch(() => ""));
    if (!pid) continue;
    count++;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  }
  return count;
}

/** Folders of servers that are not on every user's PATH. */
const SERVER_FOLDERS = ["/usr/local/sbin", "/usr/sbin"];

/**
 * Finds a server's program.
 *
 * @param name Its name.
 * @param variable The environment variable that may hold its path.
 * @returns Its path, or `undefined` if there is none.
 */
export function findServer(name: string, variable: string): string | undefined {
  const named = process.env[variable];
  if (named) return named;
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter(Boolean), ...SERVER_FOLDERS];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Turns a program into a broker.
 *
 * @param program The program.
 * @param scheme The scheme of its URL.
 * @param port Its port.
 * @returns The broker.
 */
export function toBroker(program: Program, scheme: string, port: number): Broker {
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    host: "127.0.0.1",
    port,
    get running() {
      return program.running;
    },
    kill: () => program.kill(),
    end: () => program.end(),
    start: () => program.start(),
    pause: () => program.pause(),
    resume: () => program.resume(),
    stop: () => program.stop(),
    [Symbol.asyncDispose]: () => program.stop(),
  };
}
