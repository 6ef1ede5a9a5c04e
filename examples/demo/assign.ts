/**
 * Assigns an invented name and a node to each of the two windows of a page, until the user chooses a name.
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

/** Assigns names and nodes in turn, so that two windows, and two browsers, get different nodes. */
export class Assigner {
  #pages = 0;
  #names = 0;
  /** The pair of words with which the names of this demo begin. */
  readonly #start: number;

  /** @param random A number from 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#start = Math.floor(random() * MANNERS.length * ANIMALS.length);
  }

  /** The two windows of the next page. It uses only running nodes, if there are any. */
  next(slots: readonly Slot[]): [WindowPlace, WindowPlace] {
    const running = slots.filter(({ state }) => state === "running");
    const nodes = running.length > 0 ? running : slots;
    const page = this.#pages++;
    const place = (turn: number) => ({ name: this.#name(), node: nodes[turn % nodes.length]!.number });
    return [place(page), place(page + 1)];
  }

  /** The next pair of words. Each pair comes once before the first one repeats. */
  #name(): string {
    const all = MANNERS.length * ANIMALS.length;
    // The step has no common factor with the number of pairs: it visits all pairs, and changes both words each time.
    const pair = (this.#start + this.#names++ * 265) % all;
    return `${MANNERS[Math.floor(pair / ANIMALS.length)]} ${ANIMALS[pair % ANIMALS.length]}`;
  }
}
