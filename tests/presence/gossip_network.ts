/**
 * Gossips on a network of which a test decides what becomes of each message.
 *
 * @module
 */

import { decodeBus } from "../../hub/backplane/bus_wire.ts";
import type { PresenceEntry } from "../../hub/presence/place.ts";
import { Gossip, type GossipMessage, type GossipOptions } from "../../hub/presence/gossip/gossip.ts";
import { FakeClock } from "../fake_clock.ts";

/** A message under way. */
export interface Letter {
  readonly from: string;
  /** `null`: to all others. */
  readonly to: string | null;
  readonly text: string;
}

/** The kind of a message. */
export const kindOf = ({ text }: Letter): string => JSON.parse(text)[0];

/** How often nodes say their version here, in milliseconds. */
export const HEARTBEAT_MS = 1_000;

/** See the module. Time stands still, and nothing happens, but in `run` and `advance`. */
export class GossipNetwork {
  readonly #timers = new FakeClock();
  readonly nodes = new Map<string, Gossip>();
  /** Everything that was sent. */
  readonly sent: Letter[] = [];
  /** The reports of unreadable messages. */
  readonly errors: string[] = [];
  /** The fate of a message: one list element for each time that it arrives. */
  fate: (letter: Letter) => readonly Letter[] = (letter) => [letter];
  #turns: (() => void)[] = [];
  #underWay: Letter[] = [];
  maxMessageBytes = Infinity;

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.pending;
  }

  /** Creates a node, which knows no members. */
  add(id: string, options: Partial<GossipOptions> = {}): Gossip {
    const timers = this.#timers;
    const began = this.nodes.size * 1_000_000; // each at another time
    const gossip = new Gossip({
      nodeId: id,
      clock: {
        now: () => timers.now(),
        wall: () => Date.UTC(2026, 0, 1) + began,
        after: (ms, callback) => timers.after(ms, callback),
        endOfTurn: (callback) => void this.#turns.push(callback),
      },
      random: () => 0.5,
      heartbeatMs: HEARTBEAT_MS,
      maxMessageBytes: () => this.maxMessageBytes,
      send: (to, text) => {
        const letter = { from: id, to, text };
        this.sent.push(letter);
        this.#underWay.push(...this.fate(letter));
      },
      reader: () => (state) => state,
      onError: (error, place, count) => this.errors.push(`${place} ${count}: ${(error as Error).message}`),
      ...options,
    });
    this.nodes.set(id, gossip);
    return gossip;
  }

  /** Makes a node that comes to those that are there. */
  start(id: string, options?: Partial<GossipOptions>): Gossip {
    const others = [...this.nodes.keys()];
    const gossip = this.add(id, options);
    gossip.reachable(true);
    for (const other of others) {
      this.nodes.get(other)!.join(id);
      gossip.join(other);
    }
    gossip.start();
    this.run();
    return gossip;
  }

  /** A node is gone without a word. */
  kill(id: string): void {
    this.nodes.get(id)!.close();
    this.nodes.delete(id);
    for (const other of this.nodes.values()) other.leave(id);
  }

  /** Brings a message that was kept back. */
  bring(letter: Letter): void {
    this.#underWay.push(letter);
    this.run();
  }

  /** Lets everything happen that is ready to. */
  run(): void {
    while (this.#turns.length + this.#underWay.length > 0) {
      const turns = this.#turns.splice(0);
      for (const turn of turns) turn();
      for (const letter of this.#underWay.splice(0)) this.#deliver(letter);
    }
  }

  /** Lets time pass within a turn. */
  tick(ms: number): void {
    this.#timers.advance(ms);
  }

  /** Lets time pass. */
  advance(ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      this.#timers.advance(Math.min(50, left));
      this.run();
    }
  }

  #deliver({ from, to, text }: Letter): void {
    for (const [id, gossip] of this.nodes) {
      if (id === from || (to !== null && to !== id)) continue;
      const refuse = (error: Error) => void this.errors.push(error.message);
      for (const message of decodeBus(`[${text}]`, refuse)) gossip.hear(message as GossipMessage, from);
    }
  }
}

/** An entry of a node's connection. */
export const entry = (node: string, n: number, state?: unknown, user?: string): PresenceEntry => ({
  id: `${node}.${n.toString(36)}`,
  user: user ?? `u${n}`,
  node,
  state,
  at: Date.UTC(2026, 0, 1) + n,
});

/** The members of a place that a node knows: their connections with their states, in order. */
export function known(gossip: Gossip, place = "room:a"): readonly (readonly [string, unknown])[] {
  const { entries } = gossip.page(place, { by: "connection", limit: 1_000_000 });
  return entries.map(({ id, state }) => [id, state] as const);
}

/** Two nodes that know each other. */
export function pair(): { readonly network: GossipNetwork; readonly a: Gossip; readonly b: Gossip } {
  const network = new GossipNetwork();
  const a = network.start("a");
  const b = network.start("b");
  return { network, a, b };
}

/** All that was sent of a kind. */
export const ofKind = ({ sent }: GossipNetwork, kind: string): readonly Letter[] =>
  sent.filter((letter) => kindOf(letter) === kind);
