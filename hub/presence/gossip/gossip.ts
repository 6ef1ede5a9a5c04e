/**
 * Presence by gossip: every node sends its own changes to all others, so each node knows all members.
 *
 * It is a replicated map with one writer per entry, a delta-state CRDT (P. S. Almeida, A. Shoker and C. Baquero,
 * "Delta State Replicated Data Types", Journal of Parallel and Distributed Computing 111, 2018). The dots of an
 * optimised set (A. Bieniusa et al., "An Optimized Conflict-free Replicated Set", INRIA RR-8083, 2012) are a node and
 * the number of its change. Only the node itself changes its entries, and its changes are applied in order. So the
 * causal context is one number per node: its version. See docs/decisions/0041-presence-by-gossip.md.
 *
 * It does not use the network by itself. Its owner gives it a clock, random numbers and a way to send
 * (`GossipOptions`). The owner calls `start()` and `close()`. It calls `reachable(isUp)`, `join(node)` and
 * `leave(node)` as the roster changes, and `hear` for each message. It calls `missed()` when messages may be lost while
 * the backplane is up. A node that starts again has a new id. A connection's id begins with its node's id and a dot.
 *
 * @module
 */

import type { Clock, PresenceBy } from "../../../contract/mod.ts";
import type { BusMessageOf } from "../../backplane/bus_wire.ts";
import { PRESENCE_CHANNEL } from "../../backplane/channels.ts";
import { Drops } from "../../connection/drops.ts";
import { forgetOldest } from "../../connection/forget_oldest.ts";
import { asNewest, type PresenceEntry } from "../place.ts";
import { MemberPages } from "../member_pages.ts";
import { Places } from "../places.ts";
import type { EntryPage, EntryQuery, Followed, PresenceSource, SourceSize } from "../source.ts";
import { Answers } from "./answers.ts";
import { Entries } from "./entries.ts";
import { OwnState } from "./own_state.ts";
import { Replica, type StateReader } from "./replica.ts";
import { Requests } from "./requests.ts";
import { Teller } from "./teller.ts";
import { Wholeness } from "./wholeness.ts";

/** The first timeout of a request, in milliseconds; less if heartbeats are more frequent. */
const FIRST_TIMEOUT_MS = 2_000;
/** For how many nodes that have left the last version is remembered: as many as the roster remembers. */
const MAX_FLOORS = 64;
/** A node that has never sent a presence message is given up after this many requests without an answer. */
const MAX_UNANSWERED = 5;

/** A presence message between nodes. */
export type GossipMessage = BusMessageOf<"pd" | "pp" | "pv" | "pq" | "pa">;

/** The options of {@linkcode Gossip}. */
export interface GossipOptions {
  /** This node. */
  readonly nodeId: string;
  /** The clock. */
  readonly clock: Clock;
  /** A number from 0 up to, not including, 1. */
  random(): number;
  /** The time between two messages with this node's version, in milliseconds. */
  readonly heartbeatMs: number;
  /**
   * How long entries of a node that has left stay, in milliseconds. Entries of anonymous connections do not stay.
   * Entries of users with another connection in the place do not stay either.
   *
   * @default {0}
   */
  readonly leaveAfterMs?: number;
  /**
   * Whether this node is always the only one.
   *
   * @default {false}
   */
  readonly solitary?: boolean;
  /** The largest message that the adapter carries, in bytes. */
  maxMessageBytes(): number;
  /**
   * Sends a message; must not throw.
   *
   * @param to The node; `null` for all nodes.
   * @param text A message of the bus, as `encodeBus` writes it.
   */
  send(to: string | null, text: string): void;
  /**
   * The reader for states of a place. Its errors are reported, and the member is shown without a state.
   *
   * @returns `undefined` if this node keeps no presence of the place.
   */
  reader(place: string): StateReader | undefined;
  /** Called for unreadable states of other nodes: once per kind and interval, with their number. */
  onError(error: unknown, place: string, count: number): void;
}

/** The source of presence that uses gossip. */
export class Gossip implements PresenceSource {
  readonly channels: readonly string[] = [PRESENCE_CHANNEL];
  readonly #options: GossipOptions;
  readonly #own: OwnState;
  readonly #places = new Places();
  readonly #pages: MemberPages;
  readonly #replicas = new Map<string, Replica>();
  /** Nodes that have left and whose entries stay for a while, each with the function that stops its timer. */
  readonly #gone = new Map<string, () => void>();
  /** The last known version of nodes that have left and may come back. */
  readonly #floors = new Map<string, number>();
  readonly #heard = new Set<string>();
  readonly #requests: Requests;
  readonly #answers: Answers;
  readonly #entries: Entries;
  readonly #teller: Teller;
  readonly #wholeness = new Wholeness();
  readonly #drops: Drops;
  #isUp = false;
  #started = false;
  #closed = false;
  #stopBeating = () => {};

  /** @param options Its options. */
  constructor(options: GossipOptions) {
    const { clock, nodeId, heartbeatMs, solitary = false } = options;
    this.#options = options;
    this.#own = new OwnState({ nodeId, places: this.#places, remembers: !solitary });
    this.#pages = new MemberPages(clock);
    this.#drops = new Drops(clock, (error, place, count) => options.onError(error, place, count));
    this.#entries = new Entries(clock.wall?.() ?? clock.now());
    this.#teller = new Teller({
      nodeId,
      clock,
      own: this.#own,
      timeOf: (entry) => this.#entries.timeOf(entry),
      maxMessageBytes: () => options.maxMessageBytes(),
      send: (text) => options.send(null, text),
      isHeard: () => this.#isUp && !this.#closed && this.#replicas.size > 0,
    });
    this.#requests = new Requests({
      clock,
      random: () => options.random(),
      firstMs: Math.min(FIRST_TIMEOUT_MS, heartbeatMs / 2),
      maxMs: heartbeatMs,
      ask: (node) => this.#ask(node),
      onSilence: (node, attempts) => this.#isWorthAsking(node, attempts),
    });
    this.#answers = new Answers({
      own: this.#own,
      clock,
      others: () => this.#replicas.size,
      maxBytes: () => this.#teller.maxBytes,
      writer: this.#teller,
      send: (to, text) => options.send(to, text),
    });
    if (solitary) this.#wholeness.reachable(true);
  }

  /** Resolves when all nodes that were known at the start have sent their entries. */
  get known(): Promise<void> {
    return this.#wholeness.ready;
  }

  size(): SourceSize {
    return { places: this.#places.size, members: this.#places.members };
  }

  /** The sizes of its tables. All return to 0 when there are no members, no followers and no other nodes. */
  get sizes(): Readonly<Record<"places" | "nodes" | "questions" | "own" | "early", number>> {
    let early = 0;
    for (const replica of this.#replicas.values()) early += replica.early;
    return {
      places: this.#places.size,
      nodes: this.#replicas.size,
      questions: this.#requests.size,
      own: this.#own.size,
      early,
    };
  }

  /**
   * A connection of this node has come into a place, or has a new state there.
   *
   * @throws {HubError} `TOO_LARGE` or `BAD_REQUEST` when the state cannot be sent to other nodes. Nothing changes then.
   */
  put(place: string, entry: PresenceEntry): void {
    if (this.#closed) return;
    const kept = asNewest(this.#places.get(place), this.#entries.from(entry));
    this.#teller.prepare(place, kept);
    this.#own.put(place, kept);
    this.#teller.tellSoon();
    this.#makeWay(place, kept);
  }

  /** A connection of this node has left a place. */
  drop(place: string, id: string): void {
    if (this.#own.drop(place, id)) this.#teller.tellSoon();
  }

  /** Follows a place. `ready` resolves when all members are known once. `whole` becomes false in a later outage. */
  follow(place: string): Followed {
    const places = this.#places;
    const wholeness = this.#wholeness;
    let released = false;
    return {
      place: places.follow(place),
      get whole() {
        return wholeness.whole;
      },
      ready: wholeness.ready,
      onWhole: (listener) => wholeness.on(listener),
      release: () => {
        if (!released) places.release(place);
        released = true;
      },
    };
  }

  /** Counts the known members of a place. */
  count(place: string, by: PresenceBy): number {
    return this.#places.get(place)?.count(by) ?? 0;
  }

  /** Reads the known members of a place. */
  page(place: string, query: EntryQuery): EntryPage {
    const known = this.#places.get(place);
    return known ? this.#pages.read(known, query) : { entries: [], count: 0 };
  }

  /** Call it when the other nodes are known and can be reached. */
  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    this.#wholeness.begin();
    if (!this.#options.solitary) this.#beatLater();
  }

  /** The backplane is up or down. When it is up again, asks all nodes for missed changes. */
  reachable(isUp: boolean): void {
    if (this.#closed || this.#options.solitary) return;
    this.#isUp = isUp;
    if (isUp) {
      this.missed();
      this.#teller.sayVersion();
    }
    this.#wholeness.reachable(isUp);
  }

  /** Messages may have been lost: asks all nodes. */
  missed(channels: readonly string[] = this.channels): void {
    if (this.#closed || !channels.some((channel) => this.channels.includes(channel))) return;
    for (const { node } of this.#replicas.values()) {
      if (this.#gone.has(node)) continue;
      this.#wholeness.await(node);
      this.#requests.end(node);
      this.#requests.begin(node);
    }
  }

  /** Another node has joined, for the first time or again. */
  join(node: string): void {
    if (this.#closed) return;
    this.#gone.get(node)?.();
    this.#gone.delete(node);
    if (!this.#replicas.has(node)) this.#replicas.set(node, this.#newReplica(node));
    // A node that joins later brings its members as joins, so the present members stay whole.
    if (!this.#started) this.#wholeness.await(node);
    this.#requests.begin(node);
  }

  /** Another node has left. */
  leave(node: string): void {
    const replica = this.#replicas.get(node);
    if (!replica || this.#gone.has(node)) return;
    this.#requests.end(node);
    this.#heard.delete(node);
    replica.restart();
    const { clock, leaveAfterMs = 0 } = this.#options;
    const forget = () => {
      this.#gone.get(node)?.();
      replica.sweep(() => true);
      this.#gone.delete(node);
      this.#replicas.delete(node);
      this.#floors.set(node, replica.floor);
      forgetOldest(this.#floors, MAX_FLOORS);
    };
    if (leaveAfterMs > 0) {
      this.#gone.set(node, clock.after(leaveAfterMs, forget, { background: true }));
      replica.sweep((place, { user }) => user === undefined || this.#isElsewhere(place, user));
    }
    if (leaveAfterMs <= 0 || replica.isEmpty) forget();
    this.#wholeness.told(node);
  }

  isGone(node: string): boolean {
    return this.#gone.has(node);
  }

  /** Takes a message of another node. */
  hear(message: GossipMessage, from: string): void {
    if (this.#closed) return;
    if (message[0] === "pq") {
      const [, after, version, index] = message;
      this.#answers.add(from, { after, version, index });
      if (this.#replicas.has(from)) this.#heard.add(from);
      return;
    }
    const replica = this.#replicas.get(from);
    if (!replica || this.#gone.has(from)) return; // when the node joins, it is asked for its entries
    this.#heard.add(from);
    if (message[0] === "pp") return this.#takePage(replica, message);
    if (message[0] === "pd") {
      if (replica.takeDelta(message)) this.#requests.goOn(from);
    } else {
      replica.hear(message[1]);
      if (message[0] === "pa") this.#requests.answered(from, message[2]);
    }
    this.#settle(replica);
  }

  /** Forgets all entries. The other nodes remove this node's entries when they get its goodbye. */
  close(): void {
    if (this.#closed) return;
    this.#teller.tell();
    this.#closed = true;
    this.#stopBeating();
    this.#requests.close();
    this.#answers.close();
    this.#wholeness.close();
    this.#pages.close();
    this.#drops.close();
    for (const stop of this.#gone.values()) stop();
    this.#gone.clear();
    this.#replicas.clear();
    this.#heard.clear();
    this.#floors.clear();
    this.#places.clear();
    this.#own.clear();
  }

  #beatLater(): void {
    const { clock, heartbeatMs } = this.#options;
    this.#stopBeating = clock.after(heartbeatMs, () => {
      if (this.#isUp) this.#teller.sayVersion();
      this.#beatLater();
    }, { background: true });
  }

  #newReplica(node: string): Replica {
    const floor = this.#floors.get(node);
    this.#floors.delete(node);
    return new Replica({
      node,
      floor,
      places: this.#places,
      entries: this.#entries,
      reader: (place) => this.#options.reader(place),
      onUnreadable: (error, place) => this.#drops.add(error, place),
      onPut: (place, entry) => this.#makeWay(place, entry),
    });
  }

  #ask(node: string): void {
    if (!this.#isUp) return; // all nodes are asked when the backplane is up
    const { after, version, index } = this.#replicas.get(node)!.ask();
    this.#options.send(node, `["pq",${after},${version},${index}]`);
  }

  #isWorthAsking(node: string, attempts: number): boolean {
    if (attempts < MAX_UNANSWERED || this.#heard.has(node)) return true;
    this.#wholeness.told(node);
    return false;
  }

  #takePage(replica: Replica, page: BusMessageOf<"pp">): void {
    const { node } = replica;
    if (!replica.takePage(page)) return;
    this.#requests.goOn(node);
    if (replica.transfer?.isDue) this.#requests.again(node);
    else this.#settle(replica);
  }

  /** Checks, after a message of a node, whether its entries are complete. If not, asks the node. */
  #settle(replica: Replica): void {
    const { node } = replica;
    if (replica.isBehind || replica.transfer) {
      this.#requests.begin(node);
      // The last answer is complete, and the node has a later version.
      const isUsedUp = replica.version >= (this.#requests.reachesOf(node) ?? Infinity);
      if (isUsedUp && replica.hasMoved) this.#requests.again(node);
      return;
    }
    // Other messages may be older than the request, so wait for its answer.
    if (this.#requests.isUnanswered(node)) return;
    this.#requests.end(node);
    this.#wholeness.told(node);
  }

  /** The user has a new connection in the place: removes the user's entries of nodes that have left. */
  #makeWay(place: string, { user }: PresenceEntry): void {
    if (user === undefined || this.#gone.size === 0) return;
    for (const { node, id } of this.#places.get(place)?.of(user) ?? []) {
      if (this.#gone.has(node)) this.#replicas.get(node)?.drop(place, id);
    }
  }

  #isElsewhere(place: string, user: string): boolean {
    return this.#places.get(place)!.of(user).some(({ node }) => !this.#gone.has(node));
  }
}
