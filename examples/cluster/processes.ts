/**
 * The processes of the cluster. Each line that a process prints appears behind its name. The processes always end with this one.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process, { env } from "node:process";
import { createInterface } from "node:readline";

/** A program to run. */
export interface Command {
  readonly program: string;
  readonly args?: readonly string[];
  /** Variables to add to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder to run it in. */
  readonly cwd?: string;
  /** If given, the process has a pipe to this one, and this function gets the process. */
  withPipe?(child: ChildProcess): void;
  /** A process of a higher layer ends before the processes of lower layers, because it uses them. */
  readonly layer: number;
}

/** Receives the lines that a process prints, and its end. */
export interface Listeners {
  /** Called with each line. */
  onLine?(line: string): unknown;
  /** Called once when it has ended, with the way: "ended with code 1", "was killed by SIGKILL". */
  onEnd?(how: string): void;
}

/** A process that was started. */
export interface Running {
  readonly pid: number;
  readonly layer: number;
  /** Resolves when it has ended, with the way. Never rejects. */
  readonly ended: Promise<string>;
  /** Sends a signal to it, if it still runs. */
  signal(signal: "SIGTERM" | "SIGKILL"): void;
  /** Asks it to end. Kills it if that takes too long. */
  stop(): Promise<void>;
}

/** How long a process may take to end, in milliseconds. */
const PATIENCE_MS = 5_000;

/** All started processes. */
export class Processes {
  readonly #running = new Set<Running>();
  readonly #folders: string[] = [];
  #closed = false;

  constructor() {
    // The last resort, for an unexpected end of this process: nothing else would end the others.
    process.on("exit", () => this.#killAll());
  }

  /**
   * Starts a process.
   *
   * @param command The program.
   * @param listeners Receives its lines and its end.
   * @throws {Error} If there is no such program, or everything is ending.
   */
  start(command: Command, { onLine, onEnd }: Listeners = {}): Running {
    const { program, args = [], cwd, layer } = command;
    if (this.#closed) throw new Error(`Cannot start ${program}: everything is ending`);
    const child = spawn(program, [...args], {
      cwd,
      env: { ...env, ...command.env },
      stdio: ["ignore", "pipe", "pipe", ...(command.withPipe ? ["ipc" as const] : [])],
      // Its own process group: Ctrl+C in the terminal reaches only this process, which ends the others in order.
      detached: true,
    });
    if (child.pid === undefined) throw new Error(`Cannot start ${program}`);
    for (const output of [child.stdout!, child.stderr!]) {
      createInterface({ input: output }).on("line", (line) => line.trim() && onLine?.(line));
    }
    command.withPipe?.(child);
    const running = toRunning(child, child.pid, layer);
    this.#running.add(running);
    running.ended.then((how) => {
      this.#running.delete(running);
      onEnd?.(how);
    });
    return running;
  }

  /** Creates a folder for the files of a process. It is removed when the processes end. */
  makeFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-cluster-"));
    this.#folders.push(folder);
    return folder;
  }

  /** Ends all processes, the highest layer first. After that, no process can be started. */
  async close(): Promise<void> {
    this.#closed = true;
    const layers = Map.groupBy(this.#running, ({ layer }) => layer);
    for (const layer of [...layers.keys()].sort((a, b) => b - a)) {
      await Promise.all(layers.get(layer)!.map((running) => running.stop()));
    }
    this.#removeFolders();
  }

  #killAll(): void {
    this.#closed = true;
    for (const running of this.#running) running.signal("SIGKILL");
    this.#removeFolders();
  }

  #removeFolders(): void {
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

function toRunning(child: ChildProcess, pid: number, layer: number): Running {
  let hasEnded = false;
  const ended = new Promise<string>((resolve) => {
    const onEnd = (how: string) => {
      hasEnded = true;
      resolve(how);
    };
    child.once("error", ({ message }) => onEnd(`could not be started: ${message}`));
    child.once(
      "exit",
      (code, signal) => onEnd(signal ? `was killed by ${signal}` : `ended with code ${code}`),
    );
  });
  const signal = (name: "SIGTERM" | "SIGKILL") => {
    // By its id, and only while the id certainly belongs to it.
    if (!hasEnded) process.kill(pid, name);
  };
  return {
    pid,
    layer,
    ended,
    signal,
    async stop() {
      signal("SIGTERM");
      const timer = setTimeout(() => signal("SIGKILL"), PATIENCE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Folders of servers that are not on every user's PATH. */
const SERVER_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/**
 * Searches for a program.
 *
 * @param name Its name.
 * @returns Its path, if it exists.
 */
export function findProgram(name: string): string | undefined {
  const folders = [...(env.PATH ?? "").split(delimiter).filter(Boolean), ...SERVER_FOLDERS];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
