/**
 * The start and the shutdown of a hub. At the start the backplane opens, the node announces itself, and clients may
 * come. The shutdown goes the other way.
 *
 * @module
 */

import { type Clock, HubError } from "../contract/mod.ts";
import { CLOSE } from "../contract/options/close_options.ts";
import { wholeMs } from "../contract/options/option_kinds.ts";
import { or, readOptions } from "../contract/options/read_options.ts";
import { closeInTime } from "./close_in_time.ts";
import type { Backplane } from "./backplane/backplane.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "./backplane/channels.ts";
import type { AppCalls } from "./connection/app_calls.ts";
import type { ClusterListeners } from "./nodes/cluster_listeners.ts";
import type { Events } from "./groups/events.ts";
import type { Nodes } from "./nodes/nodes.ts";
import type { HubErrorInfo } from "./api/options.ts";
import type { NodeRequests } from "./nodes/node_requests.ts";
import type { Presences } from "./presence/presences.ts";
import type { Refusals } from "./session/admission/refusals.ts";
import type { Reception } from "./session/reception.ts";
import type { HubCloseOptions } from "./api/hub.ts";
import type { Health } from "./api/health.ts";
import type { HandlerTable } from "./session/handler_table.ts";
import type { Once } from "./session/once/once.ts";
import type { Topics } from "./topics/topics.ts";

const CLOSE_HUB = { drainMs: or(wholeMs({ min: 0 }), 0), ...CLOSE };

/** How often to look for things that are no longer needed, in milliseconds. */
const SWEEP_MS = 10_000;

/** The parts of a hub that {@linkcode Lifecycle} starts and stops. */
export interface LifecycleParts {
  /** Reaches the other nodes. */
  readonly backplane: Backplane;
  /** The other nodes. */
  readonly nodes: Nodes;
  /** Sends requests to other nodes. */
  readonly nodeRequests: NodeRequests;
  /** Accepts clients. */
  readonly reception: Reception;
  /** Runs the calls of the application. */
  readonly calls: AppCalls;
  /** Counts refused clients by reason. */
  readonly refusals: Refusals;
  /** The handlers of requests and signals. */
  readonly handlers: Pick<HandlerTable, "missing" | "complete">;
  /** Remembers requests with an id. */
  readonly once: Once;
  /** The topics. */
  readonly topics: Topics;
  /** The events. */
  readonly events: Events;
  /** The members of rooms and topics, if the contract has presence. */
  readonly presence: Presences | undefined;
  /** How long a starting node waits for the state of the other nodes, in milliseconds. */
  readonly joinTimeoutMs: number;
  /** The clock. */
  readonly clock: Clock;
  /** The id of this node. */
  readonly nodeId: string;
  /** The application's listeners of cluster events. */
  readonly listeners: ClusterListeners;
  /** How long the backplane may take to open, in milliseconds. */
  readonly backplaneTimeoutMs: number;
  /** How long the backplane may be away before clients should use another node, in milliseconds. */
  readonly maxBackplaneDownMs: number;
  /** Whether to serve clients without the backplane. */
  readonly startWithoutBackplane: boolean;
  /** Reports a backplane that refuses or does not open in time. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The life of a hub. */
export class Lifecycle {
  readonly #parts: LifecycleParts;
  /** Settles when everything is ready except, perhaps, handlers. */
  readonly #joined = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;
  #stopSweeping = () => {};
  #stopMissing = () => {};
  #wasDown = false;
  /** Why the start has failed, until it succeeds. */
  #fault: string | undefined;

  /** @param parts The parts of the hub. */
  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.#joined.promise.catch(() => {}); // a waiting caller sees the error; without one it must not end the process
    this.#ready.promise.catch(() => {});
  }

  /** See `Hub.ready`. Each read looks for missing handlers, because the application may give them one by one. */
  get ready(): Promise<void> {
    const ready = this.#joined.promise.then(() => {
      const missing = this.#missing();
      if (missing) throw missing;
      return this.#ready.promise;
    });
    ready.catch(() => {});
    return ready;
  }

  /**
   * Opens the backplane. The hub takes clients when the backplane is open, or at once with `startWithoutBackplane`.
   */
  start(): void {
    const { backplane, clock, backplaneTimeoutMs, startWithoutBackplane } = this.#parts;
    if (startWithoutBackplane) {
      this.#serve();
      this.#ready.resolve();
      Promise.resolve().then(() => this.#implemented()).catch(() => {}); // handlers come after this, in the same turn
      this.#join().catch((error) => this.#fail(error));
      return;
    }
    const stop = clock.after(backplaneTimeoutMs, () => {
      const { name, reason } = backplane;
      const late = `Backplane ${name} is not open after ${backplaneTimeoutMs} ms`;
      const why = reason === undefined ? "" : ` (${reason})`;
      this.#fail(new HubError("UNAVAILABLE", `${late}${why}: clients are answered 503 until it is open`));
    });
    this.#join(stop).then(() => this.#implemented()).then(() => this.#serve())
      .then(this.#ready.resolve, (error) => this.#fail(error))
      .finally(stop);
  }

  /**
   * Everything but handlers is ready. Resolves when no handler is missing. Reports the handlers that are still
   * missing after a while.
   */
  async #implemented(): Promise<void> {
    const { clock, backplaneTimeoutMs, handlers, onError } = this.#parts;
    this.#joined.resolve();
    if (!this.#missing()) return;
    this.#stopMissing = clock.after(backplaneTimeoutMs, () => {
      const missing = this.#missing();
      if (missing) onError(missing, { stage: "open" });
    }, { background: true });
    await handlers.complete;
    this.#stopMissing();
    this.#checkOpen();
  }

  #missing(): TypeError | undefined {
    const { handlers: { missing }, startWithoutBackplane } = this.#parts;
    if (missing.length === 0) return undefined;
    const until = startWithoutBackplane
      ? "clients that ask for them get UNAVAILABLE"
      : "clients are answered 503";
    const names = missing.join(", ");
    return new TypeError(
      `Handlers are missing for ${names}: give them to hub.implement before you wait for hub.ready; until then ${until}`,
    );
  }

  /** The start has failed. This is also reported, because an application need not look at `ready`. */
  #fail(error: unknown): void {
    this.#fault = error instanceof Error ? error.message : String(error);
    this.#joined.reject(error);
    this.#ready.reject(error);
    if (!this.#closing) this.#parts.onError(error, { stage: "open" });
  }

  /** The backplane went up or down. */
  backplaneIs(status: "up" | "down"): void {
    if (status === "down") this.#wasDown = true;
    else if (this.#wasDown) {
      this.#parts.topics.histories.missed(); // messages published while it was down
      this.#parts.nodes.announce();
    }
    this.#parts.listeners.emit("backplane", status);
  }

  /** See `Hub.close`. */
  close(options?: unknown): Promise<void> {
    let how: HubCloseOptions;
    try {
      how = readOptions("close", options, CLOSE_HUB);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#closing ??= this.#close(how); // every valid call gets the same promise
  }

  /** The content of the health page. */
  health(connections: number): Health {
    const { backplane, reception, nodes, nodeId, clock, maxBackplaneDownMs, refusals } = this.#parts;
    const { status: state, name: adapter, malformed, gauges } = backplane;
    const { missing } = this.#parts.handlers;
    const forMs = Math.round(clock.now() - backplane.since);
    const degraded = state === "up" ? "ok" : "degraded";
    return {
      status: reception.state === "open" ? degraded : reception.state,
      ...(reception.state === "starting" && missing.length > 0 && { missing }),
      ...(this.#fault !== undefined && { reason: this.#fault }),
      ready: reception.state === "open" && (state === "up" || forMs <= maxBackplaneDownMs),
      node: nodeId,
      connections,
      nodes: nodes.size + 1,
      refused: Object.fromEntries(Object.entries(refusals.counts).filter(([, count]) => count > 0)),
      backplane: {
        adapter,
        status: state,
        forMs,
        ...(backplane.reason === undefined ? {} : { reason: backplane.reason }),
        lagMs: nodes.lag.ms,
        malformed,
        ...(Object.keys(gauges).length === 0 ? {} : { gauges }),
      },
    };
  }

  /** Opens the backplane and joins the cluster. Then all other nodes know this node and can reach it. */
  async #join(onOpen = () => {}): Promise<void> {
    const { backplane, nodes, nodeId, topics, presence, joinTimeoutMs } = this.#parts;
    await backplane.open();
    await topics.open();
    const channels = [CLUSTER_CHANNEL, nodeChannel(nodeId)].map((channel) =>
      backplane.interest.keep(channel, () => nodes.announce())
    );
    for (const channel of presence?.source.channels ?? []) {
      channels.push(backplane.interest.keep(channel, () => presence!.missed()));
    }
    await Promise.all(channels.map(({ settled }) => settled));
    this.#checkOpen();
    onOpen();
    await nodes.start();
    this.#checkOpen();
    await presence?.start(joinTimeoutMs);
    this.#checkOpen();
    this.#fault = undefined;
  }

  #checkOpen(): void {
    if (this.#closing) throw new HubError("UNAVAILABLE", "The hub was closed before it was ready");
  }

  #serve(): void {
    this.#checkOpen(); // it may have been closed since the last step of its start
    this.#sweepLater();
    this.#parts.reception.open();
  }

  #sweepLater(): void {
    const { clock, topics, events, once } = this.#parts;
    this.#stopSweeping = clock.after(SWEEP_MS, () => {
      topics.histories.sweep();
      events.sweep();
      once.sweep();
      this.#sweepLater();
    }, { background: true });
  }

  async #close(options: HubCloseOptions): Promise<void> {
    const { backplane, nodes, nodeRequests, reception, once, topics, listeners } = this.#parts;
    const early = new HubError("UNAVAILABLE", "The hub was closed before it was ready");
    this.#joined.reject(early);
    this.#ready.reject(early);
    this.#stopMissing();
    await reception.close(options);
    this.#parts.refusals.close();
    listeners.close();
    this.#stopSweeping();
    nodeRequests.close();
    const { clock, backplaneTimeoutMs: timeoutMs, onError, presence } = this.#parts;
    const how = { clock, timeoutMs, onError };
    await closeInTime("the memory of requests", () => once.close(), how);
    await closeInTime("the histories", () => topics.close(), how);
    await closeInTime("presence", () => presence?.close(), how);
    nodes.stop();
    await closeInTime(`backplane ${backplane.name}`, () => backplane.close(), how);
    this.#parts.calls.close();
  }
}
