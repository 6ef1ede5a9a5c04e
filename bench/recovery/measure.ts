/**
 * One measurement of recovery. The nodes, the clients that users have, and the broker are processes. A node may be killed.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Running, start } from "../cluster/process.ts";
import type { RecoveryOrder } from "../load/main.ts";
import type { DropsLoad } from "../load/recovery/drops.ts";
import type { Judgement } from "../load/recovery/ledger.ts";
import type { PingsOutcome } from "../load/recovery/pings.ts";
import type { StormOutcome } from "../load/recovery/storm.ts";
import { pinned, type Runtime } from "../runtimes.ts";
import type { RecoveryCandidate } from "./candidates.ts";

/** The paths of the runtimes and the address of the broker. */
export interface RecoveryScene {
  readonly paths: Readonly<Partial<Record<Runtime, string>>>;
  /** The address of the candidate's broker, if it has one. */
  readonly url: string | undefined;
}

/** What happens to one of several nodes; times are in milliseconds after the first message. */
export interface Fate {
  readonly killedAtMs: number;
  /** When the node is started again, if at all. */
  readonly restartedAtMs?: number;
}

const here = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

/** The running processes: nodes and clients. */
class Stage implements AsyncDisposable {
  readonly #candidate: RecoveryCandidate;
  readonly #scene: RecoveryScene;
  readonly #prefix = `bench-${randomUUID()}`;
  readonly #processes = new Set<Running>();

  constructor(candidate: RecoveryCandidate, scene: RecoveryScene) {
    this.#candidate = candidate;
    this.#scene = scene;
  }

  /** Starts a node; resolves when it serves. */
  async node(port?: number): Promise<{ readonly port: number; readonly process: Running }> {
    const { runtime, file, adapter, recovery = false } = this.#candidate;
    const order = { adapter, url: this.#scene.url, prefix: this.#prefix, recovery, count: false, port };
    const path = this.#scene.paths[runtime]!;
    const process = this.#start(
      await pinned(runtime, path, 0, here(`servers/${file}`), JSON.stringify(order)),
    );
    const { port: taken } = await process.said as { readonly port: number };
    return { port: taken, process };
  }

  /** Starts clients. */
  async clients(order: RecoveryOrder): Promise<Running> {
    const load = await pinned("bun", this.#scene.paths.bun!, 1, here("load/main.ts"), JSON.stringify(order));
    return this.#start(load);
  }

  #start(command: Parameters<typeof start>[0]): Running {
    const process = start(command);
    this.#processes.add(process);
    return process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes].map((process) => process.stop()));
  }
}

/**
 * Cuts the links of clients again and again.
 *
 * @param candidate The candidate.
 * @param nodes The number of nodes.
 * @param load The orders for the clients, without the parts that depend on the nodes.
 * @param scene The runtimes and the broker.
 * @param fate What happens to the last node, if anything.
 */
export async function measureDrops(
  candidate: RecoveryCandidate,
  nodes: number,
  load: Omit<DropsLoad, "ports" | "dialect">,
  scene: RecoveryScene,
  fate?: Fate,
): Promise<Judgement> {
  await using stage = new Stage(candidate, scene);
  const running = await Promise.all(Array.from({ length: nodes }, () => stage.node()));
  const ports = running.map(({ port }) => port);
  const clients = await stage.clients({ shape: "drops", dialect: candidate.dialect, ports, ...load });
  await clients.said;
  if (fate) {
    const { killedAtMs, restartedAtMs } = fate;
    const { process, port } = running.at(-1)!;
    await delay(killedAtMs);
    await process.stop();
    if (restartedAtMs !== undefined) {
      await delay(restartedAtMs - killedAtMs);
      await stage.node(port);
    }
  }
  return await clients.next() as Judgement;
}

/** The result of a storm, for the clients that reconnected and for those that stayed. */
export interface MeasuredStorm extends StormOutcome {
  readonly stayed: PingsOutcome;
}

/** The clients that send requests to the node that stays, and how often. */
const PINGS = { clients: 50, everyMs: 250 };

/**
 * Kills a node. All its clients reconnect to the other one.
 *
 * @param candidate The candidate.
 * @param nodes The number of nodes.
 * @param load The orders for the clients, without the parts that depend on the nodes.
 * @param scene The runtimes and the broker.
 */
export async function measureStorm(
  candidate: RecoveryCandidate,
  nodes: number,
  load: { readonly clients: number; readonly patienceMs: number },
  scene: RecoveryScene,
): Promise<MeasuredStorm> {
  await using stage = new Stage(candidate, scene);
  const running = await Promise.all(Array.from({ length: nodes }, () => stage.node()));
  const where = { dialect: candidate.dialect, ports: running.map(({ port }) => port) };
  const clients = await stage.clients({ shape: "storm", ...where, ...load });
  await clients.said;
  const pings = await stage.clients({ shape: "pings", ...where, ...PINGS });
  await pings.said;
  await running[0]!.process.stop();
  await clients.next(); // the line that says that all clients are back
  pings.finish();
  const stayed = await pings.next() as PingsOutcome;
  return { ...await clients.next() as StormOutcome, stayed };
}
