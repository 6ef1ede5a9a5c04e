/**
 * What tests of the ZeroMQ adapter have in common.
 *
 * @module
 */

import { createZeroMqAdapter, type ZeroMqAdapterOptions } from "@trunkline/hub/adapters/zeromq";
import type { Adapter, AdapterData, AdapterStage } from "@trunkline/hub/adapters/adapter";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../tools/brokers/ports.ts";
import { runtime, test, waitFor } from "../../harness.ts";

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

/** Where nobody listens yet. */
export async function freeAddress(): Promise<string> {
  return `tcp://127.0.0.1:${await freePort()}`;
}

/** A node of a test, and all that it heard and said. */
export interface TestNode extends AsyncDisposable {
  readonly nodeId: string;
  readonly adapter: Adapter;
  readonly received: { readonly channel: string; readonly data: AdapterData; readonly from: string }[];
  readonly errors: { readonly error: Error; readonly stage: AdapterStage }[];
  readonly gaps: (readonly string[] | undefined)[];
  readonly statuses: ("up" | "down")[];
  /** What came on a channel, in order. */
  on(channel: string): AdapterData[];
  /** Waits for a text on a channel. */
  got(channel: string, text: string): Promise<void>;
  /** Waits until something holds; what was reported is part of the error. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** What was reported, as text. */
  words(): string;
}

/** How long anything may take, on the slowest machine. */
const PATIENCE_MS = 20_000;

/** Makes a node that is not open. */
export function createNode(options: Partial<ZeroMqAdapterOptions>): TestNode & { open(): Promise<TestNode> } {
  const nodeId = crypto.randomUUID();
  const adapter = createZeroMqAdapter({ prefix: "tests", ...PROBES, ...options });
  const [received, errors, gaps, statuses]: [
    TestNode["received"],
    TestNode["errors"],
    TestNode["gaps"],
    TestNode["statuses"],
  ] = [[], [], [], []];
  const on = (channel: string) => received.filter((one) => one.channel === channel).map(({ data }) => data);
  const words = () => errors.map(({ error, stage }) => `${stage}: ${error.message}`).join("\n");
  const until = async (condition: () => boolean, what: string) => {
    await waitFor(() => condition() || Promise.reject(new Error(words())), { what, timeoutMs: PATIENCE_MS });
  };
  const node = {
    nodeId,
    adapter,
    received,
    errors,
    gaps,
    statuses,
    on,
    until,
    words,
    async open() {
      await adapter.open({
        nodeId,
        deliver: (channel, data, from) => void received.push({ channel, data, from }),
        onError: (error, { stage }) => void errors.push({ error, stage }),
        onStatus: (status) => void statuses.push(status),
        onGap: (channels) => void gaps.push(channels),
      });
      return node;
    },
    got: (channel: string, text: string) =>
      until(() => on(channel).includes(text), `"${text}" on "${channel}"`),
    [Symbol.asyncDispose]: () => adapter.close(),
  };
  return node;
}

/** Makes a node and opens it. */
export async function openNode(options: Partial<ZeroMqAdapterOptions>): Promise<TestNode> {
  const node = createNode(options);
  try {
    return await node.open();
  } catch (error) {
    await node.adapter.close();
    throw error;
  }
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
  const signal = (name: NodeJS.Signals) => void process.kill(child.pid!, name);
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
