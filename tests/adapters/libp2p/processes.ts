/**
 * Nodes in processes of their own, to be killed and frozen.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Libp2pAdapterOptions } from "../../../adapters/libp2p/mod.ts";
import { sendSignal } from "../../../tools/brokers/signal.ts";
import { runtime, waitFor } from "../../harness.ts";
import { APART, PREFIX } from "./scene.ts";

/** The messages of the node. */
export type Word =
  | { readonly kind: "got"; readonly text: string }
  | { readonly kind: "gap" | "up" | "down" | "ready" }
  | { readonly kind: "error"; readonly text: string };

/** A node in a process of its own. It answers "ping …" on the channel "news" with "pong …". */
export interface Elsewhere extends AsyncDisposable {
  /** All that it said, in order. */
  readonly words: readonly Word[];
  /** The messages on the channel, in order. */
  readonly got: readonly string[];
  /** Sends its process a signal. */
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Waits until it has said this. */
  says(kind: Word["kind"], text?: string): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("./elsewhere.ts", import.meta.url));
const RUN = runtime === "deno" ? ["run", "--allow-all", "--no-check", "--quiet"] : ["run"];

/** Starts a node in a process of its own; resolves when it is open and has subscribed. */
export async function startElsewhere(options: Partial<Libp2pAdapterOptions>): Promise<Elsewhere> {
  const given = {
    prefix: PREFIX,
    allow: "anybody",
    listen: ["/ip4/127.0.0.1/tcp/0"],
    ...APART,
    ...options,
  };
  const child = spawn(process.execPath, [...RUN, PROGRAM, JSON.stringify(given)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "close");
  const words: Word[] = [];
  createInterface(child.stdout).on("line", (line) => words.push(JSON.parse(line)));
  const signal = (name: NodeJS.Signals) => sendSignal(child.pid!, name);
  const node: Elsewhere = {
    words,
    get got() {
      return words.flatMap((word) => word.kind === "got" ? [word.text] : []);
    },
    signal,
    async says(kind, text) {
      const is = (word: Word) =>
        word.kind === kind && (text === undefined || ("text" in word && word.text === text));
      const told = () =>
        words.filter(({ kind }) => kind !== "got").map((word) => JSON.stringify(word)).join();
      await waitFor(() => words.some(is) || Promise.reject(new Error(told())), {
        what: `${kind} ${text ?? ""} from elsewhere`,
        timeoutMs: 20_000,
      });
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        signal("SIGCONT");
        signal("SIGKILL");
      }
      await gone;
    },
  };
  try {
    await node.says("ready");
  } catch (error) {
    await node[Symbol.asyncDispose]();
    throw error;
  }
  return node;
}
