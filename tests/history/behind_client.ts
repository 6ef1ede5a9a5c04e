/**
 * The package's own client, in a world of nodes that are behind: what its listener is given is checked.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createClient } from "@trunkline/hub";
import type { SubOptions } from "../../contract/mod.ts";
import { network } from "../hub/wires.ts";
import { type BehindNode, contractOf, type Follower, type World } from "./behind_world.ts";

/** Checks what the listener of a client gets. */
export class ListeningClient implements Follower {
  readonly log: string[] = [];
  readonly #world: World;
  readonly #heard = new Set<number>();
  #close: (() => void) | undefined;
  #move: ((node: number) => void) | undefined;
  /** The last message; `undefined` when the next one may be any later one. */
  #last: { readonly epoch: string; readonly offset: number } | undefined;
  /** The highest offset in each epoch. */
  readonly #highest = new Map<string, number>();
  #status = () => "pending";

  constructor(world: World) {
    this.#world = world;
  }

  get isLinked(): boolean {
    return this.#close !== undefined && this.#status() !== "ended"; // its first subscribe may fail
  }

  connect(node: BehindNode, start?: SubOptions): void {
    const at = this.#world.nodes.indexOf(node);
    this.log.push(`to node ${at}`);
    if (start || !this.isLinked) this.#open(at, start?.last);
    else this.#move!(at);
  }

  /** The client does this by itself. */
  again(): void {}

  leave(): void {
    this.#close?.();
    this.#close = this.#move = undefined;
  }

  #open(at: number, last: number | undefined): void {
    this.leave();
    const { nodes, clock, size } = this.#world;
    this.log.push(`new, last ${last}`);
    this.#heard.clear();
    this.#highest.clear();
    this.#last = undefined;
    const lines = nodes.map(({ loopback }) => loopback.client());
    const client = createClient(contractOf(size), {
      url: () => `ws://node${at}`,
      transport: network(Object.fromEntries(lines.map((line, i) => [`ws://node${i}`, line]))),
      role: "member",
      clock,
      reconnect: { baseMs: 1, maxMs: 5 },
      onError: (error) => void this.log.push(`${error}`),
    });
    let isOver = false;
    const sub = client.subscribe("log", (n, { epoch, offset }) => {
      if (!isOver) this.#check(() => this.#take(n, epoch!, offset!));
    }, {
      ...last !== undefined && { rewind: { last } },
      onRecovery: ({ recovered }) => {
        this.log.push(`recovered ${recovered}`);
        if (!recovered) this.#last = undefined;
      },
    });
    sub.ready.catch(() => {});
    client.ready.catch(() => {});
    this.#status = () => sub.status;
    this.#move = (node) => {
      at = node;
      for (const line of lines) line.sever();
    };
    this.#close = () => {
      isOver = true;
      void client.close();
    };
  }

  #take(n: number, epoch: string, offset: number): void {
    this.log.push(`${epoch} ${offset}: ${n}`);
    if (this.#last) {
      assertEquals({ epoch, offset }, { epoch: this.#last.epoch, offset: this.#last.offset + 1 });
    }
    assert(offset > (this.#highest.get(epoch) ?? 0), "back in its epoch");
    assertEquals(n, this.#world.numbers.get(`${epoch} ${offset}`), "not what was kept there");
    assert(!this.#heard.has(n), "heard twice");
    this.#heard.add(n);
    this.#highest.set(epoch, offset);
    this.#last = { epoch, offset };
  }

  #check(act: () => void): void {
    try {
      act();
    } catch (cause) {
      this.#world.failures.push(new Error(this.log.join("\n"), { cause }));
    }
  }

  checkEnd(): void {
    const { epoch, offset } = this.#last ?? {};
    const story = this.log.join("\n");
    assertEquals(this.#status(), "live", story);
    if (epoch) assertEquals([epoch, offset], [...this.#world.store.position], `${story}: not at the end`);
  }
}
