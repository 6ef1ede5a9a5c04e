/**
 * The relay of node-cluster in its own process. In an application the relay is in the primary process, which forks the
 * processes of the nodes. Pipes work in both directions, so here the process of the nodes forks the relay.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { sendSignal } from "./signal.ts";

/** A relay in its own process. */
export interface RelayProcess extends AsyncDisposable {
  /** The pipe to it. */
  readonly child: ChildProcess;
  /** The reports of the relay. */
  readonly reports: readonly string[];
  /** Stops the relay, but not its process. */
  stop(): Promise<void>;
  /** Starts the relay again. */
  start(): Promise<void>;
  /** Freezes the process. */
  freeze(): void;
  /** Lets the process continue. */
  thaw(): void;
  /** Kills the process, as in a crash. */
  kill(): Promise<void>;
}

/**
 * Starts a relay.
 *
 * @param env Variables of its environment: `MAX_PENDING_BYTES`.
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
    // Not child.kill(): Deno then closes the pipe, with any signal.
    freeze: () => void sendSignal(child.pid!, "SIGSTOP"),
    thaw: () => void process.kill(child.pid!, "SIGCONT"),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
