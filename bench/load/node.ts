/**
 * A node whose members do what it is told by requests.
 *
 * @module
 */

import { usage } from "./server.ts";

/** What a node says of what a question costs. */
export interface NodeCosts {
  /** The first page of a room of which none was read lately, in milliseconds. */
  readonly firstPageMs: number;
  /** A count of the room with few members, and of that with many, in microseconds. */
  readonly countFewUs: number;
  readonly countUs: number;
  /** A page of 100 of many, not the first one, in microseconds. */
  readonly pageUs: number;
}

/** How long nodes have for what follows a collection, in milliseconds. */
const SETTLE_MS = 50;

/** Members of a node, by their numbers. */
export interface Members {
  readonly from: number;
  readonly count: number;
}

/** See the module. */
export class Node {
  readonly port: number;

  /** @param port Where it listens. */
  constructor(port: number) {
    this.port = port;
  }

  /** Members connect; they are in no room yet. */
  async connect(members: Members): Promise<void> {
    await this.#ask("connect", members);
  }

  /** Members enter a room, or leave it. */
  async send(what: "enter" | "leave", room: string, members: Members): Promise<void> {
    await this.#ask(what, { room, ...members });
  }

  /** Waits until the node knows of so many in a room, but not for ever. Answers of how many it knows. */
  async until(room: string, count: number): Promise<number> {
    const answer = await this.#ask<{ count: number }>("until", { room, count });
    return answer.count;
  }

  /** What questions cost it. */
  async costs(few: string, many: string): Promise<NodeCosts> {
    return await this.#ask("costs", { few, many });
  }

  /** Asks it for a list of all who are in a room. */
  async list(room: string): Promise<{ readonly count: number; readonly us: number }> {
    return await this.#ask("list", { room });
  }

  /** What it takes after a garbage collection, in bytes. */
  async memory(): Promise<{ readonly rss: number; readonly heapUsed: number }> {
    await usage(this.port, "collect");
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return await usage(this.port, "collect"); // what was finalized is free after a second one
  }

  async #ask<Answer>(path: string, query: object): Promise<Answer> {
    const entries = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const url = `http://127.0.0.1:${this.port}/${path}?${new URLSearchParams(entries)}`;
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  }
}
