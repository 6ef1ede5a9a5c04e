/**
 * Presence under simulation, from any source: the members of places, in the view of each node.
 *
 * @module
 */

import type { ClusterEvents } from "../../hub/api/cluster.ts";
import type { PresenceEntry } from "../../hub/presence/place.ts";
import type { EntryPage, PresenceSource } from "../../hub/presence/source.ts";
import { membership, MembershipSubject } from "./membership.ts";
import type { Environment, Subject } from "./system.ts";
import { entryHash, WatchedPlace } from "./watched_place.ts";
import { CROWD, type Operation, PLACES, userOf } from "./workload.ts";

/** When the virtual time begins on the clocks on the wall. */
const BEGINNING = Date.UTC(2026, 0, 1);
/** One state in so many is none: a connection is there without. */
const WITHOUT_STATE = 5;

/** How many members a page has. */
const PAGE = 7;

/** Presence as one process sees it. */
export abstract class PresenceSubject extends MembershipSubject {
  /** The code under test. */
  protected abstract readonly source: PresenceSource;
  /** How long entries of a node that is gone may stay, in milliseconds. */
  protected abstract readonly leaveAfterMs: number;
  /** Whether the source reads pages at once, from what it knows. */
  protected abstract readonly readsAtOnce: boolean;
  /** By place: what the users of this node have, by connection. */
  readonly own: ReadonlyMap<string, Map<string, PresenceEntry>> = new Map(
    PLACES.map((place) => [place, new Map()]),
  );
  /** By place: the sum of the numbers of that. */
  readonly ownSums: Map<string, number> = new Map(PLACES.map((place) => [place, 0]));
  /** The places with a listener on this node. */
  readonly #watched = new Map<string, WatchedPlace>();
  /** Nodes that are gone, and until when their entries may stay. */
  readonly #goneUntil = new Map<string, number>();
  /** How often each connection has ended: one that comes later is another. */
  readonly #ended = new Map<number, number>();
  #numbers = 0;
  /** Whether anything may be another since the last check. */
  #changed = false;
  #wrong: string | undefined;

  /** @param environment What it gets. */
  constructor(environment: Environment) {
    super(environment);
  }

  override stop(): void | Promise<void> {
    for (const place of [...this.#watched.keys()]) this.#look(place);
    for (const place of PLACES) {
      this.own.get(place)!.clear();
      this.ownSums.set(place, 0);
    }
    const closed = this.source.close();
    if (!closed) return super.stop();
    return closed.then(() => super.stop());
  }

  act({ kind, place, connection, many }: Operation): void {
    this.#changed = true;
    switch (kind) {
      case "put":
        return this.#put(place, connection);
      case "drop":
        return this.#drop(place, connection);
      case "end":
        for (const each of PLACES) this.#drop(each, connection);
        this.#ended.set(connection, (this.#ended.get(connection) ?? 0) + 1);
        return;
      case "look":
        return this.#look(place);
      case "crowd":
        for (let i = 0; i < many; i++) this.#put(place, CROWD + i);
        return;
      case "empty":
        for (const id of [...this.own.get(place)!.keys()]) if (this.#isOfCrowd(id)) this.#dropId(place, id);
    }
  }

  override check(): void {
    super.check();
    if (this.#wrong !== undefined) this.fail(this.#wrong);
    if (this.#goneUntil.size > 0 && this.process.prompt) this.#checkGone();
    if (!this.#changed) return;
    this.#changed = false;
    for (const [place, { byNode }] of this.#watched) {
      const shown = byNode.get(this.process.id) ?? 0;
      if (shown !== this.own.get(place)!.size) {
        this.fail(`shows ${shown} of its own users in ${place}, which are others`);
      }
    }
  }

  override knows(nodeId: string): boolean {
    if (super.knows(nodeId)) return true;
    if (this.graceMs > 0) return false;
    return [...this.#watched.values()].some(({ byNode }) => byNode.has(nodeId));
  }

  override difference(isLast: boolean): string | undefined {
    const others = super.difference(isLast);
    if (others !== undefined) return others;
    const live = this.environment.truth.live as ReadonlyMap<string, PresenceSubject>;
    for (const [place, watched] of this.#watched) {
      let sum = 0, size = 0;
      for (const subject of live.values()) {
        sum = (sum + subject.ownSums.get(place)!) | 0;
        size += subject.own.get(place)!.size;
      }
      if (sum !== watched.sum || size !== watched.shown.size) return this.#explain(place, watched);
      if (!watched.followed.whole) return `does not say that it knows everybody in ${place}`;
      if (isLast) this.#checkPages(place, watched);
      const broken = isLast ? watched.difference() : undefined;
      if (broken !== undefined) this.fail(`${broken} in ${place}`);
    }
    return undefined;
  }

  /**
   * Checks that a new node shows the members of all nodes that ran before it.
   *
   * @param nodes The nodes.
   * @param began When it began, in milliseconds.
   */
  protected checkKnown(nodes: readonly string[], began: number): void {
    for (const node of nodes) {
      const subject = this.environment.truth.live.get(node) as PresenceSubject | undefined;
      if (!subject || !this.nodes.has(node)) continue;
      const { process, own } = subject;
      const beginning = BEGINNING + process.wall() - process.now();
      for (const [place, watched] of this.#watched) {
        for (const { id, at } of own.get(place)!.values()) {
          if (at - beginning < began && !watched.shown.has(id)) {
            this.fail(`says that it knows everybody in ${place}, but does not show ${id}`);
          }
        }
      }
    }
  }

  /** Waits until a place with a listener on this node is known. Returns whether it is. */
  protected async isKnown(): Promise<boolean> {
    const [first] = this.#watched.values();
    if (!first) return false;
    return await first.followed.ready.then(() => true, () => false); // it is closed before
  }

  /** How long entries of a node may be shown after it is gone, in milliseconds. */
  protected get graceMs(): number {
    return this.leaveAfterMs;
  }

  /** The connection that shows for each user of a place; `undefined` without a listener on this node. */
  showing(place: string): string | undefined {
    return this.#watched.get(place)?.showing();
  }

  /** Listens to all places: some nodes always have such a listener. */
  protected lookAtAll(): void {
    for (const place of PLACES) this.#look(place);
  }

  protected override emitted<E extends keyof ClusterEvents>(event: E, value: ClusterEvents[E]): void {
    super.emitted(event, value);
    const { id } = value as ClusterEvents["leave"];
    if (event === "leave") this.#goneUntil.set(id, this.process.now() + this.graceMs);
    if (event === "join") this.#goneUntil.delete(id);
  }

  #put(place: string, connection: number): void {
    const id = this.#idOf(connection);
    const number = ++this.#numbers;
    const state = number % WITHOUT_STATE === 0 && !this.own.get(place)!.has(id)
      ? undefined
      : { id, place, number };
    const entry: PresenceEntry = {
      id,
      user: userOf(this.process.seat, connection),
      node: this.process.id,
      state,
      at: BEGINNING + this.process.wall(),
    };
    this.#forget(place, id);
    this.own.get(place)!.set(id, entry);
    this.ownSums.set(place, (this.ownSums.get(place)! + entryHash(place, entry)) | 0);
    this.source.put(place, entry);
  }

  #drop(place: string, connection: number): void {
    this.#dropId(place, this.#idOf(connection));
  }

  #dropId(place: string, id: string): void {
    if (this.#forget(place, id)) this.source.drop(place, id);
  }

  #forget(place: string, id: string): boolean {
    const entry = this.own.get(place)!.get(id);
    if (!entry) return false;
    this.own.get(place)!.delete(id);
    this.ownSums.set(place, (this.ownSums.get(place)! - entryHash(place, entry)) | 0);
    return true;
  }

  #idOf(connection: number): string {
    return `${this.process.id}.${connection}-${this.#ended.get(connection) ?? 0}`;
  }

  #isOfCrowd(id: string): boolean {
    return Number.parseInt(id.slice(this.process.id.length + 1)) >= CROWD;
  }

  #look(place: string): void {
    const watched = this.#watched.get(place);
    if (watched) {
      this.#checkPages(place, watched);
      watched.release();
      this.#watched.delete(place);
      return;
    }
    this.#watched.set(
      place,
      new WatchedPlace(this.source.follow(place), {
        place,
        self: this.process.id,
        ordered: this.environment.network === "adapter",
        mayShow: (node) => this.mayShow(node),
        changed: (wrong) => {
          this.#changed = true;
          this.#wrong ??= wrong;
        },
      }),
    );
  }

  /** Checks that the pages of a place have every shown member once, in order. */
  #checkPages(place: string, { followed }: WatchedPlace): void {
    for (const by of this.readsAtOnce ? ["user", "connection"] as const : []) {
      const idOf = ({ user, id }: PresenceEntry) => by === "user" ? user ?? id : id;
      const read: string[] = [];
      let cursor: string | undefined;
      do {
        const page = this.source.page(place, { by, limit: PAGE, cursor }) as EntryPage;
        read.push(...page.entries.map(idOf));
        cursor = page.cursor;
        if (page.count !== followed.place.count(by)) this.fail(`counts otherwise in a page of ${place}`);
      } while (cursor !== undefined);
      const shown = [...followed.place.members(by)].map(idOf).sort();
      if (read.join("\n") !== shown.join("\n")) this.fail(`reads other members of ${place} than it shows`);
    }
  }

  /** Whether entries of another node may be shown now. */
  protected mayShow(node: string): boolean {
    return this.nodes.has(node);
  }

  /** Nobody is shown any more on a node that is gone for longer than the time for which it may. */
  #checkGone(): void {
    const now = this.process.now();
    for (const [node, until] of this.#goneUntil) {
      if (until >= now) continue;
      this.#goneUntil.delete(node);
      for (const [place, { byNode }] of this.#watched) {
        if (byNode.has(node)) this.fail(`still shows users of ${node} in ${place}, which is gone`);
      }
    }
  }

  #explain(place: string, { shown }: WatchedPlace): string {
    const live = this.environment.truth.live as ReadonlyMap<string, PresenceSubject>;
    for (const subject of live.values()) {
      for (const [id, entry] of subject.own.get(place)!) {
        const seen = shown.get(id);
        if (!seen) return `does not show ${id} in ${place}`;
        if (entryHash(place, seen) !== entryHash(place, entry)) {
          return `shows ${id} in ${place} as ${said(seen)} and not as ${said(entry)}`;
        }
      }
    }
    const ghosts = [...shown.values()].filter(({ id, node }) => !live.get(node)?.own.get(place)?.has(id));
    return `shows ${ghosts.map(({ id }) => id).slice(0, 4).join(", ")} in ${place}, where they are not`;
  }
}

/** Whether nodes show different connections for one user. That takes long, so it is looked for at the end. */
export function presenceDisagreement(subjects: Iterable<Subject>, isLast: boolean): string | undefined {
  const all = [...subjects] as PresenceSubject[];
  for (const place of isLast ? PLACES : []) {
    const showings = new Set(all.map((subject) => subject.showing(place)));
    showings.delete(undefined);
    const [first, second] = showings;
    if (second !== undefined) return `nodes show ${first} and ${second} in ${place}`;
  }
  return membership.disagreement?.(all, isLast);
}

const said = ({ user, state }: PresenceEntry): string =>
  `${user ?? "anonymous"} with ${JSON.stringify(state)}`;
