/**
 * The options of the node-cluster adapter.
 *
 * @module
 */

import cluster from "node:cluster";
import process from "node:process";
import type { Clock } from "../../contract/clock.ts";
import { having } from "../../contract/options/option_kinds.ts";
import { optional, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { engineRows, prefixFor } from "../kit/options.ts";
import type { IpcChannel } from "./channel.ts";
import type { NodeClusterEngineOptions } from "./engine.ts";

/** Options of `createNodeClusterAdapter`. */
export interface NodeClusterAdapterOptions {
  /**
   * Keeps applications under one primary process apart: nodes with the same prefix form a cluster. Any text that is not
   * empty; the name of your application will do.
   */
  readonly prefix: string;
  /**
   * The pipe to the process with the relay, if this process is not a worker of `node:cluster`: `process` in a process
   * that `fork` of `node:child_process` has started. The adapter does not close it.
   *
   * @default {process, in a worker of `node:cluster`}
   */
  readonly channel?: IpcChannel;
  /**
   * How long the relay may take to answer a new session, in milliseconds, before another attempt.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often to check that the relay still answers, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long the relay may be silent while an answer is due, in milliseconds. After that it counts as away.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes. While the primary process passes a message on, it does nothing else.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes of published messages may be on their way to the primary process. Beyond it the adapter drops
   * messages, and reports them with stage `"publish"`.
   *
   * @default {33_554_432}
   */
  readonly maxPendingBytes?: number;
  /**
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

const ROWS = {
  ...engineRows({ maxMessageBytes: 8 * 1024 * 1024, maxPendingBytes: 32 * 1024 * 1024 }),
  prefix: prefixFor("primary process"),
  channel: optional(
    having<IpcChannel>("the end of a pipe to another process, such as process", "send", "on", "off"),
  ),
} satisfies Rows<NodeClusterAdapterOptions>;

/** Options in the form that the adapter uses. */
export interface Settings extends NodeClusterEngineOptions {
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
}

/**
 * Checks options and fills in the defaults.
 *
 * @param options The user's options.
 */
export function readNodeClusterOptions(options: NodeClusterAdapterOptions): Settings {
  const { channel = ownChannel(), ...read } = readOptions("createNodeClusterAdapter", options, ROWS);
  const pid = channel === process ? process.ppid : (channel as { readonly pid?: number }).pid;
  return { ...read, channel, address: `process ${pid ?? "unknown"}` };
}

/** The pipe of a forked worker. */
function ownChannel(): IpcChannel {
  if (cluster.isWorker && process.send) return process;
  throw new TypeError(
    "Cannot create a node-cluster adapter here: this process is not a worker of node:cluster. Create it in a process that " +
      "cluster.fork() has started, and call relayNodeCluster() in the one that starts it; or give { channel: process } in " +
      "one that fork() of node:child_process has started",
  );
}
