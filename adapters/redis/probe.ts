/**
 * Whether what this node publishes comes back to it: the one question whose answer tells that both connections live and
 * lead to the same Redis, and that Redis still knows the subscriptions. A silent connection looks the same as a dead one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { RedisLink } from "../kit/redis/link.ts";

/** One of a node's two connections. */
export type RedisRole = "publisher" | "subscriber";

/** Which connection is dead, and why. */
export interface ProbeVerdict {
  readonly dead: RedisRole;
  readonly cause: Error;
}

/** A timer that is later than this says that the process was busy, not that Redis is. */
const MAX_TIMER_LAG_MS = 100;

/** Asks one question at a time. */
export class RedisProbe {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #channel: string;
  #lastToken = 0;
  readonly #lastSigns: Record<RedisRole, number> = { publisher: -Infinity, subscriber: -Infinity };
  #arrived = () => {};
  #stop = () => {};

  /**
   * @param clock The source of time.
   * @param timeoutMs How long a connection may be silent before it counts as dead.
   * @param channel The channel, in Redis, of this node alone.
   */
  constructor(clock: Clock, timeoutMs: number, channel: string) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#channel = channel;
  }

  /** A connection has given a sign: it lives, though the probe may be stuck behind others. */
  sign(role: RedisRole): void {
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
  async run(publisher: Pick<RedisLink, "publish">): Promise<ProbeVerdict | "alive" | "stopped"> {
    this.#stop();
    const token = `${++this.#lastToken}`;
    const arrived = new Promise<"arrived">((resolve) => this.#arrived = () => resolve("arrived"));
    const stopped = new Promise<"stopped">((resolve) => this.#stop = () => resolve("stopped"));
    const published = publisher.publish([{ channel: this.#channel, data: token }]);
    const reply = await this.#race("publisher", published, stopped);
    if (reply === "stopped") return "stopped";
    if (reply === "late") return this.#verdict("publisher", "has not answered");
    const [receivers] = reply;
    if (receivers instanceof Error) return { dead: "publisher", cause: receivers };
    if (receivers === 0) {
      return { dead: "subscriber", cause: new Error("Redis has forgotten the subscriptions of this node") };
    }
    const back = await this.#race("subscriber", arrived, stopped);
    if (back === "late") return this.#verdict("subscriber", "has delivered nothing");
    return back === "stopped" ? "stopped" : "alive";
  }

  #verdict(dead: RedisRole, what: string): ProbeVerdict {
    return { dead, cause: new Error(`The ${dead}'s connection ${what} for ${this.#timeoutMs} ms`) };
  }

  async #race<T>(
    role: RedisRole,
    answer: Promise<T>,
    stopped: Promise<"stopped">,
  ): Promise<T | "stopped" | "late"> {
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const since = this.#clock.now();
    let cancel = () => {};
    const wait = (ms: number) => {
      const due = this.#clock.now() + ms;
      cancel = this.#clock.after(ms, () => {
        const now = this.#clock.now();
        const silent = now - Math.max(this.#lastSigns[role], since);
        // Its answer may be waiting to be read.
        if (now - due > MAX_TIMER_LAG_MS) wait(this.#timeoutMs);
        else if (silent < this.#timeoutMs) wait(this.#timeoutMs - silent);
        else resolve("late");
      });
    };
    wait(this.#timeoutMs);
    try {
      return await Promise.race([answer, stopped, late]);
    } finally {
      cancel();
    }
  }
}
