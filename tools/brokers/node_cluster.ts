/**
 * The relay of node-cluster in a process of its own. In an application it is in the primary process and the nodes are in
 * processes that this one has forked; pipes are the same in both directions, so here the process of the nodes forks it.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { sendSignal } from "./signal.ts";

/** A relay in a process of its own. */
export interface RelayProcess extends AsyncDisposable {
  /** The pipe to it. */
  readonly child: ChildProcess;
  /** What the relay has reported. */
  readonly reports: readonly string[];
  /** Takes the relay away, not its process. */
  stop(): Promise<void>;
  /** Gives it back. */
  start(): Promise<void>;
  /** Stops the process where it is. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** Ends the process as a crash would. */
  kill(): Promise<void>;
}

/**
 * Starts it.
 *
 * @param env What to set in its environment: `MAX_PENDING_BYTES`.
 */
export async function startRelayProcess(env: Readonly<Record<string, string>> = {}): Promise<RelayProcess> {
  const program = fileURLToPath(new URL("./node_cluster_relay.ts", import.meta.url));
  const child = fork(program, [], { env: { ...process.env, ...env } });
  const reports: string[] = [];
  const waiting = new Map<string, () => void>();
  child.on("message", (message: { readonly done?: string; readonly report?: string }) => {
    if (message.report !== undefined) reports.push(message.report);
    if (message.done !== undefined) waiting.get(message.done)?.();
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const hears = (word: string) => new Promise<void>((resolve) => waiting.set(word, resolve));
  const tell = async (order: string) => {
    const done = hears(order);
    child.send(order);
    await done;
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  await hears("start");
  return {
    child,
    reports,
    stop: () => tell("stop"),
    start: () => tell("start"),
    // Not child.kill(): whatever the signal, Deno closes the pipe then.
    freeze: () => void sendSignal(child.pid!, "SIGSTOP"),
    thaw: () => void process.kill(child.pid!, "SIGCONT"),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
