/**
 * Checks that a message which this node publishes comes back to it. Then both connections live and lead to the same
 * RabbitMQ, which still has the queue. A silent connection and a dead one look the same.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import type { Role, Verdict } from "../kit/engine.ts";
import type { Publisher } from "./publisher.ts";
import type { Subscriber } from "./subscriber.ts";

/** Runs one probe at a time. */
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

  /** The node has received a probe of its own. */
  hear(text: string): void {
    if (text === `${this.#lastToken}`) this.#arrived();
  }

  /** Ends the wait of the running probe, without a result. */
  stop(): void {
    this.#stop();
  }

  /**
   * Publishes a probe, and waits until it comes back. While the server takes no messages, this checks only the other
   * connection.
   *
   * @param key The routing key of the node's probes.
   * @returns The dead connection, if there is one.
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
