/**
 * One measurement of recovery: nodes, clients as users have them, and a broker, each a process; a node may be killed.
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

/** Where everything is. */
export interface RecoveryScene {
  readonly paths: Readonly<Partial<Record<Runtime, string>>>;
  /** Where the candidate's broker is, if it has one. */
  readonly url: string | undefined;
}

/** What becomes of one of several nodes, in milliseconds after the first message. */
export interface Fate {
  readonly killedAtMs: number;
  /** When it is started again, if it is. */
  readonly restartedAtMs?: number;
}

const here = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

/** Nodes that run, and what else does. */
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
 * @param candidate What the nodes are.
 * @param nodes How many.
 * @param load What the clients do, but for what the nodes decide.
 * @param scene Where everything is.
 * @param fate What becomes of the last node, if anything.
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

/** What came of a storm, for those who came and for those who were there. */
export interface MeasuredStorm extends StormOutcome {
  readonly stayed: PingsOutcome;
}

/** Who asks on the node that stays, and how often. */
const PINGS = { clients: 50, everyMs: 250 };

/**
 * Kills a node, all of whose clients come to the other one.
 *
 * @param candidate What the nodes are.
 * @param nodes How many.
 * @param load The clients, but for what the nodes decide.
 * @param scene Where everything is.
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
  await clients.next(); // all are back
  pings.finish();
  const stayed = await pings.next() as PingsOutcome;
  return { ...await clients.next() as StormOutcome, stayed };
}
