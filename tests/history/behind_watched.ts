/**
 * A client that checks what its node sends, in a world of nodes that are behind: it must come in order, once, and be complete
 * where it is told so.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Position, SubOptions, Subscribed, WireError } from "../../contract/mod.ts";
import type { BehindNode, Follower, World } from "./behind_world.ts";

/** A client that checks everything that it gets. */
export class WatchedClient implements Follower {
  readonly log: string[] = [];
  readonly #world: World;
  /** The last position in full. */
  cursor: Position | undefined;
  readonly #heard = new Set<number>();
  #live = false;
  /** Whether messages of an earlier subscription may still come. */
  #isDeaf = false;
  #asked:
    | { readonly id: number; readonly since: Position | undefined; readonly restarts: number }
    | undefined;
  /** Whether it asked with a position that was made up. */
  #isForged = false;
  /** The start of its subscription; `undefined`: from its cursor on. */
  #wanted: SubOptions | undefined;
  #node: BehindNode | undefined;
  #lastId = 0;
  #link: { send(frame: string): void; leave(): void } | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  get isLive(): boolean {
    return this.#live;
  }

  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  /** Comes to a node, and subscribes: after the last message that it has, unless told otherwise. */
  connect(node: BehindNode, start?: SubOptions): void {
    this.leave();
    this.#node = node;
    this.log.push(`to node ${this.#world.nodes.indexOf(node)}`);
    const isOver = () => this.#link !== link;
    const link = { send: (_frame: string) => {}, leave: () => {} };
    const leave = node.loopback.client().connect("ws://loopback", ["trunkline.v1.json"], {
      open: (opened) => {
        if (isOver()) return leave(1000, "");
        link.send = (frame) => opened.send(frame);
        link.send(JSON.stringify([["hello", { role: "member" }]]));
      },
      message: (frame) => {
        try {
          for (const message of JSON.parse(frame as string)) {
            if (isOver()) return;
            if (message[0] === "welcome") this.#subscribe(start);
            else this.#take(message);
          }
        } catch (error) {
          this.#world.failures.push(error);
        }
      },
      drain() {},
      close: (code) => {
        if (!isOver()) this.#world.failures.push(new Error(`${this.#story}: closed with ${code}`));
      },
    });
    link.leave = () => leave(1000, "");
    this.#link = link;
  }

  /** Subscribes again on the same link. */
  again(): void {
    if (!this.#live) return;
    this.#live = false;
    this.#link!.send(JSON.stringify([["unsub", "log"]]));
    this.#subscribe(undefined, true);
  }

  leave(): void {
    this.#link?.leave();
    this.#link = this.#asked = undefined;
    this.#live = this.#isDeaf = false;
  }

  #subscribe(wanted: SubOptions | undefined, again = false): void {
    this.#wanted = wanted;
    this.#isDeaf = again && !wanted && this.cursor !== undefined;
    const start = wanted ?? (this.cursor ? { since: this.cursor, ...(again && { again }) } : {});
    if (!start.since) { // a new page
      this.cursor = undefined;
      this.#heard.clear();
    }
    const id = ++this.#lastId;
    this.#asked = { id, since: start.since, restarts: this.#world.restarts };
    this.#isForged = start.since !== undefined && !this.#exists(start.since);
    this.log.push(`sub ${JSON.stringify(start)}`);
    this.#link!.send(JSON.stringify([["sub", id, "log", start]]));
  }

  #take(message: unknown[]): void {
    this.log.push(JSON.stringify(message));
    const [kind, a, b] = message;
    switch (kind) {
      case "ping":
        return this.#link!.send('[["pong"]]');
      case "rec":
        return this.#record(a === "log" ? b as number : NaN, message[3] as number);
      case "from":
        if (a !== this.#asked?.id) return;
        this.#isDeaf = false;
        this.cursor = b as Position;
        return;
      case "gap":
        if (this.#live) this.#gap(b as Position);
        return;
      case "res":
        if (a === this.#asked?.id) this.#answered(b as Subscribed);
        return;
      case "err":
        if (a === this.#asked?.id) this.#retry((b as WireError).code);
        return;
      default:
        this.#fail("an unexpected message");
    }
  }

  /** A node that cannot read its store in time says so. */
  #retry(code: string): void {
    if (code !== "TIMEOUT" && code !== "UNAVAILABLE") this.#fail("refused");
    this.#asked = undefined;
    const link = this.#link;
    this.#world.clock.after(1_000, () => {
      if (this.#link === link) this.#subscribe(this.#wanted, true);
    });
  }

  #record(offset: number, n: number): void {
    if (this.#isDeaf) return;
    if (!this.cursor) return this.#fail("a message before the start was known");
    const [epoch, last] = this.cursor;
    if (offset <= last) return; // of a node that is behind
    assertEquals(offset, last + 1, `${this.#story}: not the next one`);
    assertEquals(n, this.#world.numbers.get(`${epoch} ${offset}`), `${this.#story}: not what was kept there`);
    assert(!this.#heard.has(n), `${this.#story}: heard twice`);
    this.#heard.add(n);
    this.cursor = [epoch, offset];
  }

  #gap(position: Position): void {
    const [epoch, offset] = this.cursor!;
    if (position[0] === epoch && position[1] <= offset) return; // of a node that is behind
    this.#move(position, this.#world.restarts);
  }

  #answered({ position, recovered }: Subscribed): void {
    const { since, restarts } = this.#asked!;
    this.#asked = undefined;
    this.#live = true;
    if (this.#isDeaf) this.#fail("no start was told");
    if (recovered) {
      assertEquals(position, this.cursor, `${this.#story}: recovered, and something is missing`);
      assert(this.#exists(position), `${this.#story}: recovered at a position that never was`);
    } else if (since || this.cursor) this.#move(position, restarts);
    else this.cursor = position;
  }

  /** The client is told that messages are missing. */
  #move(position: Position, restarts: number): void {
    const { store, oldest } = this.#world;
    const [epoch, offset] = this.cursor!;
    assert(this.#exists(position), `${this.#story}: moved to where nothing ever was`);
    if (!this.#isForged && this.#exists(this.cursor!) && position[0] === epoch) {
      assert(position[1] >= offset, `${this.#story}: back in its epoch`);
      const isSure = this.#node!.errors.length === 0; // otherwise it gives up what it cannot read
      if (isSure && restarts === this.#world.restarts && epoch === store.position[0]) {
        assert(offset + 1 < oldest, `${this.#story}: nothing was missing: ${oldest} is the oldest`);
      }
    }
    this.cursor = position;
  }

  #exists([epoch, offset]: Position): boolean {
    return offset <= (this.#world.ends.get(epoch) ?? -1);
  }

  get #story(): string {
    return `\n${this.log.join("\n")}\n`;
  }

  #fail(why: string): never {
    throw new Error(`${this.#story}: ${why}`);
  }

  /** Checks that it has everything. */
  checkEnd(): void {
    assertEquals(this.cursor, this.#world.store.position, `${this.#story}: not at the end`);
    assert(this.#live, `${this.#story}: never live`);
  }
}
