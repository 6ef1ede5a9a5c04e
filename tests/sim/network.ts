/**
 * The virtual network: the subscriptions, and the fate of each message. As an adapter's network it keeps the
 * order of each publisher on each channel and delivers at most once; a hostile one also duplicates and reorders.
 *
 * @module
 */

import type { Random } from "../load/random.ts";
import type { Process } from "./process.ts";
import { type Schedule, Step } from "./schedule.ts";

/** The promises of a network. */
export type NetworkKind = "adapter" | "hostile";

/** The faults of a network, each as so many of a thousand messages. */
export interface Noise {
  /** How many it loses. */
  readonly loss: number;
  /** How many it delivers twice. */
  readonly duplicate: number;
  /** How many it holds back, so that later ones overtake them. */
  readonly reorder: number;
}

/** A network that does nothing to messages. */
export const NO_NOISE: Noise = { loss: 0, duplicate: 0, reorder: 0 };

/** A process as the network sees it. */
export interface Port {
  /** The process. */
  readonly process: Process;
  /** Takes what has arrived; in a step of the process. */
  deliver(channel: string, data: unknown, from: string): void;
}

/** The options of {@linkcode Network}. */
export interface NetworkOptions {
  /** The virtual time. */
  readonly schedule: Schedule;
  /** Where chance comes from. */
  readonly random: Random;
  /** Its promises. */
  readonly kind: NetworkKind;
  /** How many seats there are. */
  readonly seats: number;
  /** How long a message takes, in milliseconds: at least so long. */
  readonly delayMs: number;
  /** By how much longer it may take, in milliseconds. */
  readonly jitterMs: number;
  /** How long a message that is held back takes at most, in milliseconds. */
  readonly heldMs: number;
}

/** The channels are of so many kinds; order between them is kept by none. */
const LANES = 3;

const laneOf = (channel: string): number => channel === "cluster" ? 0 : channel.startsWith("node:") ? 1 : 2;

/** Steps of this code or more are deliveries; the seat of the publisher is added. */
const DELIVERY = 16;

/** A message on its way to one process. */
class Delivery extends Step {
  override readonly code: number;
  override readonly process: Process;
  readonly network: Network;
  readonly port: Port;
  readonly from: string;
  readonly channel: string;
  readonly data: unknown;

  constructor(network: Network, port: Port, from: Process, channel: string, data: unknown) {
    super();
    this.code = DELIVERY + from.seat;
    this.process = port.process;
    this.network = network;
    this.port = port;
    this.from = from.id;
    this.channel = channel;
    this.data = data;
  }

  override run(): void {
    if (!this.network.hears(this.port, this.channel)) return;
    this.network.delivered++;
    this.port.deliver(this.channel, this.data, this.from);
  }
}

/** The network. */
export class Network {
  /** How many messages have arrived. */
  delivered = 0;
  /** How many were lost. */
  lost = 0;
  /** Its faults now. */
  noise: Noise = NO_NOISE;
  readonly #options: NetworkOptions;
  readonly #ports = new Map<string, Set<Port>>();
  /** How many faults cut the way from one seat to another. */
  readonly #cuts: Uint8Array;
  /** By how much longer messages from and to a seat take, in milliseconds. */
  readonly #extraMs: Int32Array;
  /** By lane and way: when the last message arrives. */
  readonly #lastAt: Int32Array;

  /** @param options The options. */
  constructor(options: NetworkOptions) {
    const { seats } = options;
    this.#options = options;
    this.#cuts = new Uint8Array(seats * seats);
    this.#extraMs = new Int32Array(seats);
    this.#lastAt = new Int32Array(LANES * seats * seats);
  }

  /** Whether a process hears a channel. */
  hears(port: Port, channel: string): boolean {
    return this.#ports.get(channel)?.has(port) === true;
  }

  /** How many processes hear a channel. */
  count(channel: string): number {
    return this.#ports.get(channel)?.size ?? 0;
  }

  /** A process hears a channel from now on. */
  subscribe(port: Port, channel: string): void {
    const ports = this.#ports.get(channel);
    if (ports) ports.add(port);
    else this.#ports.set(channel, new Set([port]));
  }

  /** Ends the subscription of a process. */
  unsubscribe(port: Port, channel: string): void {
    const ports = this.#ports.get(channel);
    if (ports?.delete(port) && ports.size === 0) this.#ports.delete(channel);
  }

  /** A process has ended. */
  detach(port: Port): void {
    for (const channel of [...this.#ports.keys()]) this.unsubscribe(port, channel);
  }

  /** Cuts the way from some seats to others, or heals it: `by` is 1 or -1. */
  cut(from: readonly number[], to: readonly number[], by: 1 | -1): void {
    const { seats } = this.#options;
    for (const a of from) for (const b of to) if (a !== b) this.#cuts[a * seats + b]! += by;
  }

  /** Whether what is sent from one seat to another arrives for sure. */
  isOpen(from: number, to: number): boolean {
    return this.noise.loss === 0 && this.#cuts[from * this.#options.seats + to] === 0;
  }

  /** Makes messages from and to a seat take longer. */
  delay(seat: number, extraMs: number): void {
    this.#extraMs[seat]! += extraMs;
  }

  /** When everything has arrived that is under way from one seat to another. */
  idleAt(from: number, to: number): number {
    const { seats } = this.#options;
    let last = 0;
    for (let lane = 0; lane < LANES; lane++) {
      last = Math.max(last, this.#lastAt[(lane * seats + from) * seats + to]!);
    }
    return last;
  }

  /** Sends a message to all that hear a channel, but not back to its publisher. */
  send(from: Process, channel: string, data: unknown): void {
    const ports = this.#ports.get(channel);
    if (!ports) return;
    const lane = laneOf(channel);
    for (const port of ports) if (port.process !== from) this.#carry(from, port, channel, lane, data);
  }

  #carry(from: Process, port: Port, channel: string, lane: number, data: unknown): void {
    const { random, seats, kind } = this.#options;
    const { seat } = port.process;
    const { loss, duplicate } = this.noise;
    if (this.#cuts[from.seat * seats + seat]! > 0 || (loss > 0 && random.below(1_000) < loss)) {
      this.lost++;
      return;
    }
    const way = (lane * seats + from.seat) * seats + seat;
    let at = this.#arrival(from.seat, seat);
    if (kind === "adapter") at = Math.max(at, this.#lastAt[way]!);
    this.#lastAt[way] = Math.max(at, this.#lastAt[way]!);
    this.#options.schedule.at(at, new Delivery(this, port, from, channel, data));
    if (duplicate === 0 || random.below(1_000) >= duplicate) return;
    const again = this.#arrival(from.seat, seat);
    this.#options.schedule.at(again, new Delivery(this, port, from, channel, data));
  }

  #arrival(from: number, to: number): number {
    const { schedule, random, delayMs, jitterMs, heldMs } = this.#options;
    const { reorder } = this.noise;
    const held = reorder > 0 && random.below(1_000) < reorder ? random.below(heldMs) : 0;
    const extra = this.#extraMs[from]! + this.#extraMs[to]!;
    return schedule.now + delayMs + random.below(jitterMs + 1) + held + extra;
  }
}
