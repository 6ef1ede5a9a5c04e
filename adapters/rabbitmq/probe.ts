/**
 * Whether what this node publishes comes back to it: then both connections live and lead to the same RabbitMQ, and that still
 * knows the queue. A silent connection looks the same as a dead one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import type { Role, Verdict } from "../kit/engine.ts";
import type { Publisher } from "./publisher.ts";
import type { Subscriber } from "./subscriber.ts";

/** Asks one question at a time. */
export class RabbitMqProbe {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #lastToken = 0;
  #arrived = () => {};
  #stop = () => {};

  /**
   * @param clock The source of time.
   * @param timeoutMs How long a connection may be silent before it counts as dead.
   */
  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** The node got this from itself. */
  hear(text: string): void {
    if (text === `${this.#lastToken}`) this.#arrived();
  }

  /** Ends the wait of a probe that is under way, without a verdict. */
  stop(): void {
    this.#stop();
  }

  /**
   * Publishes and waits for it to come back. While the server takes no messages only the other connection is asked.
   *
   * @param key The routing key of the node itself.
   * @returns What is dead, if anything is.
   */
  async run(publisher: Publisher, subscriber: Subscriber, key: string): Promise<Verdict | undefined> {
    this.#stop();
    const token = `${++this.#lastToken}`;
    const arrived = new Promise<void>((resolve) => this.#arrived = resolve);
    const stopped = new Promise<"stopped">((resolve) => this.#stop = () => resolve("stopped"));
    const published = publisher.blocked ? publisher.whenBlocked : publisher.ask(key, token);
    const refused = published.then(
      () => undefined,
      (cause: Error): Verdict => ({ dead: "publisher", cause }),
    );
    const reply = await this.#wait(publisher, Promise.race([refused, publisher.whenBlocked, stopped]));
    if (reply === "stopped") return undefined;
    if (reply === "silent") return this.#verdict("publisher", "has not answered");
    if (reply) return reply;
    const answer = publisher.blocked ? subscriber.ask().catch(() => {}) : arrived;
    const back = await this.#wait(subscriber, Promise.race([answer, stopped]));
    return back === "silent" ? this.#verdict("subscriber", "has delivered nothing") : undefined;
  }

  #verdict(dead: Role, what: string): Verdict {
    return { dead, cause: new Error(`The ${dead}'s connection ${what} for ${this.#timeoutMs} ms`) };
  }

  #wait<T>({ connection }: Publisher | Subscriber, answer: Promise<T>): Promise<T | "silent"> {
    return answerOrSilence(this.#clock, this.#timeoutMs, answer, () => connection.lastHeard);
  }
}
