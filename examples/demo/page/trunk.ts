/**
 * The trunk: the line between the stations, a line from each window to its station, and the messages that move along them.
 *
 * @module
 */

import { draw, make } from "./dom.ts";

/** A place on the drawing, in pixels. */
interface Point {
  readonly x: number;
  readonly y: number;
}

const TRAVEL_MS = { message: 1_000, tick: 800 } as const;
/** The size of a bend, as a share of the distance. */
const BEND = 0.55;

/** The drawing. */
export class Trunk {
  readonly #place: HTMLElement;
  readonly #stations: readonly HTMLElement[];
  readonly #windows: readonly HTMLElement[];
  readonly #line = draw("path", { class: "trunk-line" });
  readonly #ties: readonly SVGPathElement[];
  readonly #on: number[];
  readonly #calm = matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * @param place The element around the stations, to draw in.
   * @param stations The nodes, number 1 first.
   * @param windows The windows, beside the drawing or below it.
   */
  constructor(place: HTMLElement, stations: readonly HTMLElement[], windows: readonly HTMLElement[]) {
    this.#place = place;
    this.#stations = stations;
    this.#windows = windows;
    this.#on = windows.map(() => 0);
    this.#ties = windows.map(() => draw("path", { class: "tie" }));
    place.prepend(draw("svg", { class: "drawing", "aria-hidden": "true" }, this.#line, ...this.#ties));
    const resized = new ResizeObserver(() => this.#draw());
    for (const element of [place, ...stations, ...windows]) resized.observe(element);
  }

  /** Draws the line from a window to its node; 0 for none. */
  tie(window: number, node: number): void {
    this.#on[window] = node;
    this.#draw();
  }

  /** The nodes that serve the windows of this page. */
  get served(): readonly number[] {
    return this.#on;
  }

  /** Draws a message from the node where it was published to a window. */
  carry(window: number, from: number, what: "message" | "tick"): void {
    const node = this.#on[window];
    if (!node) return;
    const port = this.#portOf(window);
    const path = this.#between(from, node);
    if (!path) return;
    this.#send(port ? `${path}${this.#bend(this.#sideOf(node, port), port)}` : path, from, what);
  }

  /** Draws a message from one node to another. */
  cross(from: number, to: number): void {
    const path = this.#between(from, to);
    if (path) this.#send(path, from, "message");
  }

  #send(path: string, node: number, what: "message" | "tick"): void {
    // In a hidden page, animations would only pile up.
    if (this.#calm.matches || document.hidden) return;
    const bead = make("span", {
      class: `bead ${what}`,
      attrs: { "data-node": String(node), "aria-hidden": "true" },
    });
    bead.style.offsetPath = `path("${path}")`;
    this.#place.append(bead);
    const travel = bead.animate([{ offsetDistance: "0%" }, { offsetDistance: "100%" }], {
      duration: TRAVEL_MS[what],
      easing: "cubic-bezier(0.45, 0, 0.4, 1)",
    });
    travel.finished.then(() => bead.remove(), () => bead.remove());
  }

  /** The path from one station to another, through the stations between them. */
  #between(from: number, to: number): string | undefined {
    const step = from <= to ? 1 : -1;
    const numbers = Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => from + index * step);
    const points = numbers.map((number) => this.#centreOf(number)).filter((point) => point !== undefined);
    return points.length === numbers.length
      ? `M${points.map(({ x, y }) => `${x} ${y}`).join("L")}`
      : undefined;
  }

  #centreOf(number: number): Point | undefined {
    const station = this.#stations[number - 1];
    if (!station) return undefined;
    const box = this.#boxOf(station);
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  }

  /** The point where a window meets the drawing; none if the window is below it. */
  #portOf(window: number): Point | undefined {
    const element = this.#windows[window]!;
    const box = this.#boxOf(element);
    const width = this.#place.clientWidth;
    if (box.width === 0) return undefined;
    const y = box.y + box.height / 2;
    if (box.x + box.width <= 1) return { x: 0, y };
    return box.x >= width - 1 ? { x: width, y } : undefined;
  }

  /** The side of a station towards a port. */
  #sideOf(number: number, port: Point): Point {
    const box = this.#boxOf(this.#stations[number - 1]!);
    return { x: port.x === 0 ? box.x : box.x + box.width, y: box.y + box.height / 2 };
  }

  #boxOf(element: HTMLElement): DOMRect {
    const { x, y, width, height } = element.getBoundingClientRect();
    const place = this.#place.getBoundingClientRect();
    return new DOMRect(x - place.x, y - place.y, width, height);
  }

  #bend(from: Point, to: Point): string {
    const reach = (to.x - from.x) * BEND;
    return `L${from.x} ${from.y}C${from.x + reach} ${from.y} ${to.x - reach} ${to.y} ${to.x} ${to.y}`;
  }

  #draw(): void {
    const last = this.#stations.length;
    this.#line.setAttribute("d", this.#between(1, last) ?? "");
    this.#ties.forEach((tie, window) => {
      const node = this.#on[window]!;
      const port = this.#portOf(window);
      tie.dataset.state = node && port ? "tied" : "loose";
      if (!node || !port) return;
      tie.dataset.node = String(node);
      const side = this.#sideOf(node, port);
      // The property, not the attribute: so the line moves smoothly from one station to the next.
      tie.style.setProperty("d", `path("M${side.x} ${side.y}${this.#bend(side, port)}")`);
    });
  }
}
