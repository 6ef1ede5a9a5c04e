/**
 * Tests whether a message of this node comes back to it. If it does, both connections work and lead to the same Redis,
 * and Redis still has the subscriptions. A silent connection looks the same as a dead one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import type { Role, Verdict } from "../kit/engine.ts";
import type { RedisLink } from "../kit/redis/link.ts";

/** Runs one probe at a time. */
export class RedisProbe {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** The name in Redis of this node's own channel. */
  channel = "";
  #lastToken = 0;
  readonly #lastSigns: Record<Role, number> = { publisher: -Infinity, subscriber: -Infinity };
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

  /** A connection has shown that it is alive. The probe itself may be queued behind other data. */
  sign(role: Role): void {
    this.#lastSigns[role] = this.#clock.now();
  }

  /** The subscriber received this text on the probe's channel. */
  hear(text: string): void {
    if (text === `${this.#lastToken}`) this.#arrived();
  }

  /** Ends a running probe without a verdict. */
  stop(): void {
    this.#stop();
  }

  /**
   * Publishes a message and waits until it comes back.
   *
   * @param publisher The connection to publish on. The other connection subscribes to the probe's channel.
   * @returns The dead connection, if one is dead.
   */
  async run(publisher: Pick<RedisLink, "publish">): Promise<Verdict | undefined> {
    this.#stop();
    const token = `${++this.#lastToken}`;
    const arrived = new Promise<"arrived">((resolve) => this.#arrived = () => resolve("arrived"));
    const stopped = new Promise<"stopped">((resolve) => this.#stop = () => resolve("stopped"));
    const published = publisher.publish([{ name: this.channel, data: token }]);
    const reply = await this.#wait("publisher", Promise.race([published, stopped]));
    if (reply === "stopped") return undefined;
    if (reply === "silent") return this.#verdict("publisher", "has not answered");
    const [receivers] = reply;
    if (receivers instanceof Error) return { dead: "publisher", cause: receivers };
    if (receivers === 0) {
      return { dead: "subscriber", cause: new Error("Redis has forgotten the subscriptions of this node") };
    }
    const back = await this.#wait("subscriber", Promise.race([arrived, stopped]));
    return back === "silent" ? this.#verdict("subscriber", "has delivered nothing") : undefined;
  }

  #verdict(dead: Role, what: string): Verdict {
    return { dead, cause: new Error(`The ${dead}'s connection ${what} for ${this.#timeoutMs} ms`) };
  }

  #wait<T>(role: Role, answer: Promise<T>): Promise<T | "silent"> {
    return answerOrSilence(this.#clock, this.#timeoutMs, answer, () => this.#lastSigns[role]);
  }
}
