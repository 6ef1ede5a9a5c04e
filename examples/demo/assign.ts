/**
 * Who comes to the page, before they say who they are: a made-up name, and a node, for each of its two windows.
 *
 * @module
 */

import type { Slot, WindowPlace } from "./contract.ts";

const MANNERS =
  "Brave Bright Busy Calm Clever Cosy Daring Eager Gentle Happy Jolly Keen Kind Lucky Merry Mighty Noble Patient Proud Quick Quiet Swift Tidy Witty"
    .split(" ");
const ANIMALS =
  "Badger Beaver Crane Dolphin Falcon Finch Gecko Hare Heron Ibis Koala Lark Lemur Lynx Marten Otter Owl Panda Puffin Robin Seal Stork Tapir Wren"
    .split(" ");

/** Hands out names and nodes in turn, so that two windows, and two browsers, are served by different nodes. */
export class Assigner {
  #pages = 0;
  #names = 0;
  /** Where in all pairs of words the names of this demo begin. */
  readonly #start: number;

  /** @param random From 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#start = Math.floor(random() * MANNERS.length * ANIMALS.length);
  }

  /** The two windows of the next page. Nodes that do not run are left out, as long as one does. */
  next(slots: readonly Slot[]): [WindowPlace, WindowPlace] {
    const running = slots.filter(({ state }) => state === "running");
    const nodes = running.length > 0 ? running : slots;
    const page = this.#pages++;
    const place = (turn: number) => ({ name: this.#name(), node: nodes[turn % nodes.length]!.number });
    return [place(page), place(page + 1)];
  }

  /** Each pair of words once, before the first one comes again. */
  #name(): string {
    const all = MANNERS.length * ANIMALS.length;
    // A step without a common factor visits all of them, and changes both words each time.
    const pair = (this.#start + this.#names++ * 265) % all;
    return `${MANNERS[Math.floor(pair / ANIMALS.length)]} ${ANIMALS[pair % ANIMALS.length]}`;
  }
}
