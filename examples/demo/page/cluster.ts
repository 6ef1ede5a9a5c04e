/**
 * The cluster, as the node of this window knows it, and buttons to stop, kill and start nodes.
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
import { Trunk } from "./trunk.ts";
import type { WindowReport } from "./window_report.ts";

/** The list keeps so many lines. */
const KEPT = 60;
/** How often a window without a node asks for the states of the nodes, in milliseconds. */
const ASK_MS = 1_000;
const VERBS = { message: "message from", join: "joined:", leave: "left:" } as const;

/** The headline of the page. */
function claimOf(nodes: number, canKill: boolean): (Node | string)[] {
  const words = ["Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
  const [first, second] = nodes === 1
    ? ["One server.", "Start more, and kill one."]
    : [`${words[nodes - 2]} servers.`, `${canKill ? "Kill" : "Stop"} one: nothing is lost.`];
  return [make("span", {}, first!), " ", make("span", {}, second!)];
}

/** The panel. */
export class ClusterPanel {
  readonly #rows: readonly NodeRow[];
  readonly #log = byId("log");
  readonly #backplane: Backplane;
  readonly #riders: Riders;
  readonly #trunk: Trunk;
  #slots: readonly Slot[];
  #view: ClusterView | undefined;
  #online = false;

  constructor(config: PageConfig) {
    const { slots, canKill } = config;
    byId("claim").append(...claimOf(slots.length, canKill));
    this.#slots = slots;
    this.#rows = slots.map((slot) =>
      new NodeRow(slot.number, { canKill, act: (action) => this.#act(`nodes/${slot.number}/${action}`) })
    );
    byId("nodes").append(...this.#rows.map(({ element }) => element));
    this.#riders = new Riders(this.#rows.map(({ platform }) => platform));
    this.#trunk = new Trunk(
      byId("trunk"),
      this.#rows.map(({ element }) => element),
      [byId("chat"), byId("second-window")],
    );
    this.#backplane = new Backplane(config, (action) => this.#act(`broker/${action}`));
    this.#render();
  }

  /** Shows the events of a client from now on. */
  attach(client: DemoClient): void {
    client.onStatus((status) => {
      this.#online = status === "open";
      if (status === "reconnecting") void this.#askServer(client);
      this.#render();
    });
    client.on("cluster", (view) => {
      this.#view = view;
      if (view.slots.length > 0) this.#slots = view.slots;
      this.#render();
    });
    client.on("crossing", (crossing) => this.#cross(crossing, [crossing.to]));
    client.on("message", ({ at, node, room, name }) => {
      // Only the other nodes report messages of this window's own node.
      if (node !== this.#view?.you || this.#view.backplane === "down") return;
      const others = this.#view.loads.map(({ number }) => number).filter((number) => number !== node);
      if (others.length > 0) this.#cross({ at, from: node, room, name, what: "message" }, others);
    });
  }

  /** Shows on which nodes the people of the open room are. */
  showPeople(people: readonly PersonFacts[]): void {
    this.#riders.show(people);
  }

  /** Shows the node of a window of this page, and its incoming messages. */
  showWindow(window: number, report: Exclude<WindowReport, { kind: "score" }>): void {
    if (report.kind === "came") return this.#trunk.carry(window, report.from, report.what);
    this.#trunk.tie(window, report.node);
    this.#render();
  }

  async #act(what: string): Promise<void> {
    try {
      const response = await fetch(`/${what}`, { method: "POST" });
      const { slots, error } = await response.json() as { slots?: readonly Slot[]; error?: string };
      if (slots) this.#slots = slots;
      if (error) this.#addLine(Date.now(), 0, error);
    } catch {
      this.#addLine(Date.now(), 0, "The demo does not answer. Does it still run?");
    }
    this.#render();
  }

  /** While no node serves this window, the server of the page tells which nodes run. */
  async #askServer(client: DemoClient): Promise<void> {
    while (client.status === "reconnecting") {
      try {
        const { slots } = await (await fetch("/nodes")).json() as { slots: readonly Slot[] };
        if (client.status !== "reconnecting") return;
        this.#slots = slots;
        this.#render();
      } catch {
        // The demo has ended: the status says that there is no connection.
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
  }

  #cross({ at, from, room, name, what }: Omit<Crossing, "to">, to: readonly number[]): void {
    this.#addLine(
      at,
      from,
      `node ${from} → ${to.map((number) => `node ${number}`).join(", ")}`,
      room,
      `${VERBS[what]} ${name}`,
    );
    for (const number of to) {
      this.#rows[number - 1]?.flash();
      // A message to a window of this page is drawn along its whole path to the window.
      if (what !== "message" || !this.#trunk.served.includes(number)) this.#trunk.cross(from, number);
    }
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
        second: this.#trunk.served[1] === number,
      });
    });
  }
}
