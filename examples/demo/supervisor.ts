/**
 * Starts, stops and kills the nodes. Each runs in its own worker, if the adapter connects workers.
 *
 * @module
 */

import { ADAPTERS } from "./adapters.ts";
import type { Slot } from "./contract.ts";
import { type NodeOptions, type RunningNode, startNode } from "./node/node.ts";
import type { Order, Report } from "./node/worker.ts";

/** The options of {@linkcode Supervisor}. */
export interface SupervisorOptions {
  /** The name of the adapter. */
  readonly adapter: string;
  /** Separates demos that use the same backplane. */
  readonly prefix: string;
  /** The port of each node; 0 for any free one. */
  readonly ports: readonly number[];
  /** The origins of the pages that may connect. */
  readonly origins: readonly string[];
  /** The seed of the prices of this run. */
  readonly seed: string;
  /** Called with a line for each event. */
  log(text: string): void;
}

/** The commands of the page. */
export const ACTIONS = ["start", "stop", "kill"] as const;
export type Action = (typeof ACTIONS)[number];

/** A node, in a worker or in the main thread. */
interface Handle extends RunningNode {
  /** Ends it as in a crash, without a goodbye. Absent if this would end more than the node. */
  kill?(): void;
}

interface Place {
  slot: Slot;
  port: number;
  handle: Handle | undefined;
  /** Settles when the last start or stop is over. */
  busy: Promise<void>;
}

/** The time in which a stopping node sends its clients to other nodes, in milliseconds. */
const DRAIN_MS = 800;

/** Runs the nodes. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: Place[];
  readonly #startNode: (options: NodeOptions, onCrash: (why: string) => void) => Promise<Handle>;
  #closed = false;

  /** @throws {TypeError} If there is no such adapter. */
  constructor(options: SupervisorOptions) {
    const choice = ADAPTERS[options.adapter];
    if (!choice) {
      throw new TypeError(`Cannot run on adapter "${options.adapter}": there is none of that name`);
    }
    this.#options = options;
    this.#places = options.ports.map((port, index) => ({
      slot: { number: index + 1, url: urlOf(port), state: "stopped" },
      port,
      handle: undefined,
      busy: Promise.resolve(),
    }));
    if (choice.workers) {
      const { adapter, prefix } = options;
      this.#startNode = (node, onCrash) =>
        startInWorker({ kind: "start", adapter, prefix, options: node }, onCrash);
    } else {
      let prepared: ReturnType<typeof choice.prepare> | undefined;
      this.#startNode = async (node) =>
        startNode(node, (await (prepared ??= choice.prepare(options.prefix)))(node.number));
    }
  }

  /** Whether nodes can be killed. */
  get canKill(): boolean {
    return ADAPTERS[this.#options.adapter]!.workers;
  }

  /** The nodes. */
  get slots(): readonly Slot[] {
    return this.#places.map(({ slot }) => slot);
  }

  /** Starts all nodes. If a port is taken, the node uses another one. */
  async open(): Promise<void> {
    await Promise.all(
      this.#places.map((place) => this.#start(place, "any")),
    );
  }

  /**
   * Executes a command of a page. A command without an effect, such as stopping a stopped node, is ignored.
   *
   * @param number The node.
   * @param action The command.
   * @throws {RangeError} If there is no such node.
   */
  async act(number: number, action: Action): Promise<void> {
    const place = this.#places[number - 1];
    if (!place) throw new RangeError(`There is no node ${number}`);
    const { state } = place.slot;
    if (action === "start" && state === "stopped") {
      if (this.#closed) throw new Error(`Cannot start node ${number}: the demo ends`);
      await this.#start(place, "wait");
    }
    if (action === "stop" && state === "running") await (place.busy = this.#stop(place, DRAIN_MS));
    if (action === "kill" && state === "running") this.#kill(place);
  }

  /** Stops all nodes, also those that still start. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#places.map(async (place) => {
      await place.busy.catch(() => {}); // the caller of start or stop knows
      if (place.handle) await this.#stop(place, 0);
    }));
    await ADAPTERS[this.#options.adapter]!.tidy?.(this.#options.prefix);
  }

  #start(place: Place, ifBusy: NodeOptions["ifBusy"]): Promise<void> {
    return place.busy = this.#startAt(place, ifBusy);
  }

  async #startAt(place: Place, ifBusy: NodeOptions["ifBusy"]): Promise<void> {
    const { slot: { number }, port } = place;
    const { origins, seed, log } = this.#options;
    this.#become(place, "starting");
    try {
      const crash = (why: string) => this.#crashed(place, why);
      place.handle = await this.#startNode({ number, port, ifBusy, origins, seed }, crash);
    } catch (error) {
      this.#become(place, "stopped");
      throw new Error(`Cannot start node ${number}: ${(error as Error).message}`, { cause: error });
    }
    if (port !== 0 && place.handle.port !== port) {
      log(`Port ${port} is taken: node ${number} uses another one`);
    }
    place.port = place.handle.port;
    place.slot = { ...place.slot, url: urlOf(place.port) };
    this.#become(place, "running");
    log(`Node ${number} is at ${place.slot.url}`);
  }

  async #stop(place: Place, drainMs: number): Promise<void> {
    const { handle } = place;
    this.#become(place, "stopping");
    await handle?.stop(drainMs);
    place.handle = undefined;
    this.#become(place, "stopped");
    this.#options.log(`Node ${place.slot.number} has stopped`);
  }

  #kill(place: Place): void {
    const { handle } = place;
    if (!handle?.kill) return;
    handle.kill();
    place.handle = undefined;
    this.#become(place, "stopped");
    this.#options.log(`Node ${place.slot.number} was killed`);
  }

  /** A node has ended by itself. */
  #crashed(place: Place, why: string): void {
    this.#options.log(`Node ${place.slot.number} has crashed: ${why}`);
    if (place.slot.state !== "running") return; // it was about to stop
    place.handle = undefined;
    this.#become(place, "stopped");
  }

  /** Changes the state of a node, and tells all nodes. */
  #become(place: Place, state: Slot["state"]): void {
    place.slot = { ...place.slot, state };
    for (const { handle } of this.#places) handle?.tell(this.slots);
  }
}

const urlOf = (port: number): string => `ws://127.0.0.1:${port}/realtime`;

/** Starts a node in a worker. The worker ends when the node ends. `onCrash` is called if a started node ends by itself. */
function startInWorker(order: Order, onCrash: (why: string) => void): Promise<Handle> {
  const worker = new Worker(new URL("./node/worker.ts", import.meta.url), { type: "module" });
  const tell = (order: Order) => worker.postMessage(order);
  const started = Promise.withResolvers<Handle>();
  const stopped = Promise.withResolvers<void>();
  let state: "starting" | "running" | "ended" = "starting";
  const end = () => {
    state = "ended";
    worker.terminate();
    stopped.resolve();
  };
  const fail = (message: string) => {
    const before = state;
    end();
    started.reject(new Error(message));
    if (before === "running") onCrash(message);
  };
  worker.onmessage = ({ data: report }: MessageEvent<Report>) => {
    if (report.kind === "stopped") return end();
    if (report.kind === "failed") return fail(report.message);
    state = "running";
    started.resolve({
      port: report.port,
      tell: (slots) => tell({ kind: "slots", slots }),
      stop(drainMs) {
        tell({ kind: "stop", drainMs });
        return stopped.promise;
      },
      kill: end,
    });
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail(event.message);
  };
  tell(order);
  return started.promise;
}
