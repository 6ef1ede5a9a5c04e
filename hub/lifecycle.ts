/**
 * From start to shutdown: the backplane opens, the node announces itself, clients come; then all of it backwards.
 *
 * @module
 */

import { type Clock, HubError } from "../contract/mod.ts";
import type { Backplane } from "./backplane.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "./channels.ts";
import type { Events } from "./events.ts";
import type { Members } from "./membership.ts";
import type { Questions } from "./questions.ts";
import type { Reception } from "./reception.ts";
import type { Health } from "./routes.ts";
import type { Topics } from "./topics.ts";

/** How often what is not needed any more is looked for, in milliseconds. */
const SWEEP_MS = 10_000;

/** What {@linkcode Lifecycle} needs. */
export interface LifecycleParts {
  /** The other nodes. */
  readonly backplane: Backplane;
  /** Who they are. */
  readonly members: Members;
  /** How they are asked. */
  readonly questions: Questions;
  /** Where clients come in. */
  readonly reception: Reception;
  /** The topics. */
  readonly topics: Topics;
  /** The events. */
  readonly events: Events;
  /** Where time comes from. */
  readonly clock: Clock;
  /** This node. */
  readonly nodeId: string;
  /** How long the backplane may take to open, in milliseconds. */
  readonly backplaneTimeoutMs: number;
}

/** The life of a hub. */
export class Lifecycle {
  readonly #parts: LifecycleParts;
  readonly #ready = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;
  #stopSweeping = () => {};
  #wasDown = false;

  /** @param parts What it needs. */
  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.#ready.promise.catch(() => {}); // whoever waits sees it; nobody may be waiting
  }

  /** See `Hub.ready`. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Opens the backplane; clients are taken when it is open. */
  start(): void {
    const { backplane, clock, backplaneTimeoutMs } = this.#parts;
    const stop = clock.after(backplaneTimeoutMs, () => {
      this.#ready.reject(
        new HubError("UNAVAILABLE", `Backplane ${backplane.name} is not open after ${backplaneTimeoutMs} ms`),
      );
    });
    this.#open().then(this.#ready.resolve, this.#ready.reject).finally(stop);
  }

  /** The backplane has come or gone. */
  backplaneIs(status: "up" | "down"): void {
    if (status === "down") this.#wasDown = true;
    else if (this.#wasDown) {
      this.#parts.topics.histories.renewAll(); // what was published meanwhile is missing
      this.#parts.members.announce();
    }
  }

  /** See `Hub.close`. */
  close(drainMs: number): Promise<void> {
    return this.#closing ??= this.#close(drainMs);
  }

  /** What the health page tells. */
  health(connections: number): Health {
    const { backplane, reception, members, nodeId } = this.#parts;
    const degraded = backplane.status === "up" ? "ok" : "degraded";
    return {
      status: reception.state === "open" ? degraded : reception.state,
      node: nodeId,
      connections,
      nodes: members.others.length + 1,
      backplane: { adapter: backplane.name, status: backplane.status, malformed: backplane.malformed },
    };
  }

  async #open(): Promise<void> {
    const { backplane, members, reception, nodeId } = this.#parts;
    await backplane.open();
    const channels = [CLUSTER_CHANNEL, nodeChannel(nodeId)].map((channel) =>
      backplane.interest.keep(channel)
    );
    await Promise.all(channels.map(({ settled }) => settled));
    if (this.#closing) throw new HubError("UNAVAILABLE", "The hub was closed before it was ready");
    members.start();
    this.#sweepLater();
    reception.open();
  }

  #sweepLater(): void {
    const { clock, topics, events } = this.#parts;
    this.#stopSweeping = clock.after(SWEEP_MS, () => {
      topics.histories.sweep();
      events.sweep();
      this.#sweepLater();
    });
  }

  async #close(drainMs: number): Promise<void> {
    const { backplane, members, questions, reception, topics } = this.#parts;
    this.#ready.reject(new HubError("UNAVAILABLE", "The hub was closed before it was ready"));
    await reception.close(drainMs);
    this.#stopSweeping();
    questions.close();
    topics.histories.close();
    members.stop();
    await backplane.close();
  }
}
