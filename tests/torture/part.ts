/**
 * A process of the torture: told things and saying things, in lines of JSON; it can be killed, frozen and asked to end.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sendSignal } from "../../tools/brokers/signal.ts";

/** A runtime, and where it is. */
export interface RuntimePath {
  readonly name: "deno" | "bun";
  readonly path: string;
}

const ARGS = { deno: ["run", "--allow-all", "--no-check"], bun: ["run"] } as const;

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A process that runs. */
export class Part<Command extends object, Word extends object> {
  readonly #child: ChildProcess;
  /** Resolves when it is gone. Never rejects. */
  readonly ended: Promise<End>;
  #isGone = false;
  #isKilled = false;

  /**
   * @param runtime What runs it.
   * @param program Its file.
   * @param place What it is told at its start.
   * @param onWord Called with each message.
   */
  constructor(runtime: RuntimePath, program: URL, place: object, onWord: (word: Word) => void) {
    const args = [...ARGS[runtime.name], fileURLToPath(program), JSON.stringify(place)];
    const child = this.#child = spawn(runtime.path, args, { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin!.on("error", () => {}); // it was killed, which the caller knows
    const lines = createInterface(child.stdout!);
    lines.on("line", (line) => {
      if (!line.startsWith("{")) return console.error(`${fileURLToPath(program)}: ${line}`);
      let word: Word;
      try {
        word = JSON.parse(line);
      } catch (error) {
        if (this.#isKilled) return; // it was killed in the middle of the line
        throw error;
      }
      onWord(word);
    });
    this.ended = new Promise((resolve) =>
      child.once("close", (code, signal) => {
        this.#isGone = true;
        resolve({ code, signal });
      })
    );
  }

  /** Whether it is gone. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Sends a message to the process. */
  tell(command: Command): void {
    if (!this.#isGone) this.#child.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  /** Sends it a signal. Not by the child's own `kill`: what was sent a signal by that counts as killed on Deno. */
  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGTERM" | "SIGKILL"): void {
    if (this.#isGone) return;
    if (signal === "SIGKILL") this.#isKilled = true;
    sendSignal(this.#child.pid!, signal);
  }

  /** Kills it; resolves when it is gone. Idempotent. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }
}

/**
 * Takes commands from the standard input; the process does not stay alive for that. It ends when its parent is gone.
 *
 * @param take Called with each.
 */
export function takeCommands<Command>(take: (command: Command) => void): { close(): void } {
  const lines = createInterface(process.stdin);
  lines.on("line", (line) => take(JSON.parse(line)));
  const orphaned = () => process.exit(1);
  lines.once("close", orphaned);
  return {
    close() {
      lines.off("close", orphaned);
      lines.close();
      process.stdin.destroy();
    },
  };
}

/** Sends a message to the process that started this one. */
export const say = <Word extends object>(word: Word): void => console.log(JSON.stringify(word));
