/**
 * Nodes that are somewhere else: in a process or in a worker of their own, where they can be killed.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sendSignal } from "../../tools/brokers/signal.ts";
import { runtime } from "../harness.ts";

/** A node that is somewhere else. */
export interface Doomed<Word> {
  /** Its messages so far. */
  readonly words: Word[];
  /** Stops its process, or lets it go on. A worker cannot be stopped. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** Kills it: it says no goodbye, to anybody. Idempotent. */
  kill(): Promise<void>;
}

/** Starts a program in a process of its own; each line that it prints is a word, in JSON. */
export function inProcess<Word>(program: URL, place: object): Doomed<Word> {
  const args = runtime === "deno" ? ["run", "--allow-all"] : ["run"];
  const child = spawn(process.execPath, [...args, fileURLToPath(program), JSON.stringify(place)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const words: Word[] = [];
  createInterface(child.stdout!).on("line", (line) => words.push(JSON.parse(line)));
  let isGone = false;
  const gone = new Promise<void>((resolve) =>
    child.once("close", () => {
      isGone = true;
      resolve();
    })
  );
  return {
    words,
    // Not `child.kill`: what was sent a signal by that counts as killed on Deno.
    signal: (signal) => void sendSignal(child.pid!, signal),
    async kill() {
      if (!isGone) process.kill(child.pid!, "SIGKILL");
      await gone;
    },
  };
}

/** Starts a program in a worker; each message that it posts is a word. */
export function inWorker<Word>(program: URL, place: object): Doomed<Word> {
  const worker = new Worker(program, { type: "module" });
  const words: Word[] = [];
  worker.onmessage = ({ data }: MessageEvent<Word>) => void words.push(data);
  worker.postMessage(place);
  return {
    words,
    signal() {
      throw new TypeError("Cannot stop a worker");
    },
    kill() {
      worker.terminate();
      return Promise.resolve();
    },
  };
}
