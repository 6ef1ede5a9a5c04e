/**
 * Controls the members of a node by requests.
 *
 * @module
 */

import { usage } from "./server.ts";

/** The costs of questions, as a node measured them. */
export interface NodeCosts {
  /** The first page of a room of which no page was read recently, in milliseconds. */
  readonly firstPageMs: number;
  /** A count of the room with few members, and of the room with many, in microseconds. */
  readonly countFewUs: number;
  readonly countUs: number;
  /** A page of 100 in the room with many, but not the first page, in microseconds. */
  readonly pageUs: number;
}

/** How long nodes have for the work that follows a garbage collection, in milliseconds. */
const SETTLE_MS = 50;

/** Members of a node, by their numbers. */
export interface Members {
  readonly from: number;
  readonly count: number;
}

/** A node, controlled by requests. */
export class Node {
  readonly port: number;

  /** @param port The port of the node. */
  constructor(port: number) {
    this.port = port;
  }

  /** Connects members; they are in no room yet. */
  async connect(members: Members): Promise<void> {
    await this.#ask("connect", members);
  }

  /** Lets members enter a room, or leave it. */
  async send(what: "enter" | "leave", room: string, members: Members): Promise<void> {
    await this.#ask(what, { room, ...members });
  }

  /** Waits, with a time limit, until the node knows so many members of a room. Returns how many it knows. */
  async until(room: string, count: number): Promise<number> {
    const answer = await this.#ask<{ count: number }>("until", { room, count });
    return answer.count;
  }

  /** Measures the cost of questions on the node. */
  async costs(few: string, many: string): Promise<NodeCosts> {
    return await this.#ask("costs", { few, many });
  }

  /** Asks the node for a list of all members of a room. */
  async list(room: string): Promise<{ readonly count: number; readonly us: number }> {
    return await this.#ask("list", { room });
  }

  /** The memory of the node after a garbage collection, in bytes. */
  async memory(): Promise<{ readonly rss: number; readonly heapUsed: number }> {
    await usage(this.port, "collect");
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return await usage(this.port, "collect"); // finalized objects are free after a second collection
  }

  async #ask<Answer>(path: string, query: object): Promise<Answer> {
    const entries = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const url = `http://127.0.0.1:${this.port}/${path}?${new URLSearchParams(entries)}`;
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  }
}
