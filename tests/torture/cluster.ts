/**
 * The nodes of the torture: processes that are always started again.
 *
 * @module
 */

import { Part, type RuntimePath } from "./part.ts";
import type { Outlet } from "./publisher.ts";
import { Tally } from "./tally.ts";
import type { NodeCommand, NodePlace, NodeWord } from "./words.ts";

/** Events of nodes. */
export interface NodeEvents {
  onWord(index: number, life: number, word: NodeWord): void;
  onGone(life: number): void;
  onViolation(what: string): void;
}

const PROGRAM = new URL("./node.ts", import.meta.url);
/** How long until a node is started again that could not start, as its store was away. */
const AGAIN_MS = 300;
/** How long a node may take to end by itself. */
const END_MS = 20_000;

let lives = 0;

/** A node, over all of its lives. */
export class TorturedNode {
  readonly #index: number;
  readonly #runtime: RuntimePath;
  readonly #events: NodeEvents;
  #place: NodePlace;
  #part: Part<NodeCommand, NodeWord> | undefined;
  #life = 0;
  #serves = Promise.withResolvers<void>();
  #isUp = false;
  /** Whether its end is wanted. */
  #doomed = false;
  /** Its counts. */
  readonly counts: Tally = new Tally();

  /**
   * @param index Its number.
   * @param runtime What runs it.
   * @param place Where it belongs.
   * @param events Told of everything.
   */
  constructor(index: number, runtime: RuntimePath, place: NodePlace, events: NodeEvents) {
    this.#index = index;
    this.#runtime = runtime;
    this.#place = place;
    this.#events = events;
    this.start();
  }

  /** Its port, once it serves. */
  get port(): number {
    return this.#place.port;
  }

  /** Resolves when it serves. */
  get serves(): Promise<void> {
    return this.#serves.promise;
  }

  /** Where to send messages, while it serves. */
  get outlet(): Outlet | undefined {
    const part = this.#part;
    return this.#isUp && part
      ? { life: this.#life, publish: (publish) => part.tell({ publish }) }
      : undefined;
  }

  /** Starts it. */
  start(): void {
    const life = this.#life = ++lives;
    this.#doomed = false;
    const part = this.#part = new Part<NodeCommand, NodeWord>(this.#runtime, PROGRAM, this.#place, (word) => {
      if ("port" in word) this.#up(word.port);
      else this.#events.onWord(this.#index, life, word);
    });
    void part.ended.then(({ code, signal }) => {
      const served = this.#isUp || this.#doomed;
      this.#down(life);
      if (this.#doomed) return;
      if (served) {
        this.#events.onViolation(`node ${this.#index} has ended by itself: ${signal ?? `code ${code}`}`);
      } else this.counts.add("starts without a store");
      setTimeout(() => this.#doomed || this.start(), AGAIN_MS);
    });
  }

  /** Sends a message to the node. */
  tell(command: NodeCommand): void {
    this.#part?.tell(command);
  }

  /** Freezes it, or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#part?.signal(signal);
  }

  /** Kills it. */
  async kill(): Promise<void> {
    this.#doomed = true;
    await this.#part!.kill();
  }

  /** Asks it to end by itself; it has to. */
  async end(): Promise<void> {
    const wasUp = this.#isUp;
    this.#doomed = true;
    const part = this.#part!;
    part.signal("SIGTERM");
    const timer = setTimeout(() => {
      this.#events.onViolation(`node ${this.#index} does not end ${END_MS} ms after SIGTERM`);
      void part.kill();
    }, END_MS);
    const { code } = await part.ended;
    clearTimeout(timer);
    if (wasUp && code !== 0) {
      this.#events.onViolation(`node ${this.#index} has ended with ${code} at SIGTERM`);
    }
  }

  #up(port: number): void {
    this.#isUp = true;
    this.#place = { ...this.#place, port };
    this.#serves.resolve();
  }

  #down(life: number): void {
    if (this.#isUp) this.#serves = Promise.withResolvers();
    this.#isUp = false;
    this.#events.onGone(life);
  }
}
