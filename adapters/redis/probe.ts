/**
 * Whether what this node publishes comes back to it: the one question whose answer tells that both connections live and
 * lead to the same Redis, and that Redis still knows the subscriptions. A silent connection looks the same as a dead one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import type { Role, Verdict } from "../kit/engine.ts";
import type { RedisLink } from "../kit/redis/link.ts";

/** Asks one question at a time. */
export class RedisProbe {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** The channel, in Redis, of this node alone. */
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

  /** A connection has given a sign: it lives, though the probe may be stuck behind others. */
  sign(role: Role): void {
    this.#lastSigns[role] = this.#clock.now();
  }

  /** The subscriber got this on the probe's channel. */
  hear(text: string): void {
    if (text === `${this.#lastToken}`) this.#arrived();
  }

  /** Ends the wait of a probe that is under way, without a verdict. */
  stop(): void {
    this.#stop();
  }

  /**
   * Publishes and waits for it to come back.
   *
   * @param publisher Where to publish; the probe's channel is subscribed to on the other connection.
   * @returns What is dead, if anything is.
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
