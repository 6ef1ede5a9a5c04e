/**
 * The cluster as the node of this window sees it, and buttons to stop, kill and start nodes.
 *
 * @module
 */

import type { ClusterView, Crossing, PageConfig, Slot } from "../contract.ts";
import type { DemoClient } from "./connect.ts";
import { Backplane } from "./backplane.ts";
import { byId, make, timeOf } from "./dom.ts";
import { NodeRow } from "./node_row.ts";
import type { PersonFacts } from "./person.ts";
import { Riders } from "./riders.ts";

/** So many lines are kept. */
const KEPT = 60;
const VERBS = { message: "message from", join: "joined:", leave: "left:" } as const;

/** The panel. */
export class ClusterPanel {
  readonly #rows: readonly NodeRow[];
  readonly #log = byId("log");
  readonly #backplane: Backplane;
  readonly #riders: Riders;
  #slots: readonly Slot[];
  #view: ClusterView | undefined;
  #online = false;

  constructor(config: PageConfig) {
    const { slots, canKill } = config;
    this.#slots = slots;
    this.#rows = slots.map((slot) =>
      new NodeRow(slot.number, { canKill, act: (action) => this.#act(`nodes/${slot.number}/${action}`) })
    );
    byId("nodes").append(...this.#rows.map(({ element }) => element));
    this.#riders = new Riders(this.#rows.map(({ platform }) => platform));
    this.#backplane = new Backplane(config, (action) => this.#act(`broker/${action}`));
    this.#render();
  }

  /** Shows what a client hears from now on. */
  attach(client: DemoClient): void {
    client.onStatus((status) => {
      this.#online = status === "open";
      this.#render();
    });
    client.on("cluster", (view) => {
      this.#view = view;
      if (view.slots.length > 0) this.#slots = view.slots;
      this.#render();
    });
    client.on("crossing", (crossing) => this.#cross(crossing, [crossing.to]));
    client.on("message", ({ at, node, room, name }) => {
      // What this window's own node sends across is seen by the others alone.
      if (node !== this.#view?.you || this.#view.backplane === "down") return;
      const others = this.#view.loads.map(({ number }) => number).filter((number) => number !== node);
      if (others.length > 0) this.#cross({ at, from: node, room, name, what: "message" }, others);
    });
  }

  /** Shows who of the room that is open is on which node. */
  showPeople(people: readonly PersonFacts[]): void {
    this.#riders.show(people);
  }

  async #act(what: string): Promise<void> {
    try {
      const response = await fetch(`/${what}`, { method: "POST" });
      const { slots, error } = await response.json() as { slots?: readonly Slot[]; error?: string };
      if (slots) this.#slots = slots;
      if (error) this.#addLine(Date.now(), 0, error);
    } catch {
      this.#addLine(Date.now(), 0, "The demo does not answer: has it been ended?");
    }
    this.#render();
  }

  #cross({ at, from, room, name, what }: Omit<Crossing, "to">, to: readonly number[]): void {
    this.#addLine(
      at,
      from,
      `node ${from} → ${to.map((number) => `node ${number}`).join(", ")}`,
      room,
      `${VERBS[what]} ${name}`,
    );
    const start = this.#rows[from - 1];
    for (const number of to) if (start) this.#rows[number - 1]?.pulseFrom(start);
  }

  #addLine(at: number, node: number, ...texts: string[]): void {
    const line = make("li", { attrs: { "data-node": String(node) } }, make("time", {}, timeOf(at, true)));
    line.append(...texts.map((text, index) => make("span", { class: `part${index}` }, text)));
    this.#log.prepend(line);
    if (this.#log.childElementCount > KEPT) this.#log.lastElementChild!.remove();
  }

  #render(): void {
    const { loads = [], silent = [], you } = this.#view ?? {};
    if (this.#view && this.#online) this.#backplane.show(this.#view.backplane);
    this.#slots.forEach((slot, index) => {
      const { number } = slot;
      this.#rows[index]!.show({
        slot,
        load: loads.find((load) => load.number === number),
        silent: silent.some((node) => node.number === number),
        outOfReach: this.#view?.backplane === "down",
        here: this.#online && you === number,
      });
    });
  }
}
