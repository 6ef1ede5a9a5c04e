/**
 * What tests of the ZeroMQ adapter have in common.
 *
 * @module
 */

import { createZeroMqAdapter, type ZeroMqAdapterOptions } from "@trunkline/hub/adapters/zeromq";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../tools/brokers/ports.ts";
import { sendSignal } from "../../../tools/brokers/signal.ts";
import { runtime, test } from "../../harness.ts";
import { opened, type TestNode, testNode } from "../test_node.ts";

/** Soon enough for a test, and long enough for a machine that is busy. */
export const PROBES = { probeIntervalMs: 1_000, probeTimeoutMs: 3_000, connectTimeoutMs: 3_000 };

/** How many nodes of a mesh are given as peers to all. */
const GIVEN = 3;

/** Meshes, one for each prefix: all nodes have the same list of peers. */
export class MeshScene {
  readonly #peers = new Map<string, Promise<readonly string[]>>();
  readonly #used = new Set<string>();

  /** Makes the adapter of one more node. */
  async create({ prefix, ...more }: Partial<ZeroMqAdapterOptions> & { prefix: string }): Promise<Adapter> {
    const peers = await this.addressesOf(prefix);
    const bind = peers.find((peer) => !this.#used.has(peer)) ?? await freeAddress();
    this.#used.add(bind);
    return createZeroMqAdapter({ bind, peers, prefix, ...PROBES, ...more });
  }

  /** The peers of all nodes of a prefix. */
  addressesOf(prefix: string): Promise<readonly string[]> {
    let peers = this.#peers.get(prefix);
    if (!peers) this.#peers.set(prefix, peers = Promise.all(Array.from({ length: GIVEN }, freeAddress)));
    return peers;
  }
}

/** An address without a listener. */
export async function freeAddress(): Promise<string> {
  return `tcp://127.0.0.1:${await freePort()}`;
}

/** Makes an adapter that is not open. */
export const createAdapter = (options: Partial<ZeroMqAdapterOptions>): Adapter =>
  createZeroMqAdapter({ prefix: "tests", ...PROBES, ...options });

/** Makes a node that is open and listens to these channels. */
export function openNode(options: Partial<ZeroMqAdapterOptions>, ...channels: string[]): Promise<TestNode> {
  return opened(testNode(createAdapter(options)), channels);
}

/** A node in a process of its own. It answers "ping …" on the channel "news" with "pong …". */
export interface Elsewhere extends AsyncDisposable {
  /** Sends its process a signal. */
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
}

/** Starts a node in a process of its own; resolves when it is open and has subscribed. */
export async function startElsewhere(options: Partial<ZeroMqAdapterOptions>): Promise<Elsewhere> {
  const program = fileURLToPath(new URL("./elsewhere.ts", import.meta.url));
  const given = JSON.stringify({ prefix: "tests", ...PROBES, ...options });
  const args = ["run", "--allow-all", "--no-check", "--quiet", program, given];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const signal = (name: NodeJS.Signals) => sendSignal(child.pid!, name);
  await Promise.race([once(child.stdout, "data"), gone]);
  return {
    signal,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        signal("SIGCONT");
        signal("SIGKILL");
      }
      child.stdout.destroy();
      await gone;
    },
  };
}

/** Registers tests. */
export type Register = (name: string, body: () => Promise<void>) => void;

/**
 * Registers tests on Deno; on Bun one that says that they are skipped.
 *
 * @param what What they are about.
 */
export function onDeno(what: string): Register {
  if (runtime === "deno") return (name, body) => test(name, body, { timeoutMs: 60_000 });
  test.skip(what, "the library does not run on Bun");
  return () => {};
}
