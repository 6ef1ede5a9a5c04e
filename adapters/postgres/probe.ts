/**
 * Whether what this node publishes comes back to it: the one question whose answer tells that both connections live and lead
 * to the same database. A silent connection looks the same as a dead one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import type { Role, Verdict } from "../kit/engine.ts";
import type { Connection } from "./connection.ts";

const ECHO = "SELECT pg_notify($1, $2), pg_notification_queue_usage() AS usage";

/** What else than a dead connection looks so. */
const POOLER = "; a pooler in between has to be in session mode";

/** Asks one question at a time. */
export class Probe {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onUsage: (share: number) => void;
  /** The notify channel of this node alone. */
  channel = "";
  #lastToken = 0;
  readonly #lastSigns: Record<Role, number> = { publisher: -Infinity, subscriber: -Infinity };
  #arrived = () => {};
  #stop = () => {};

  /**
   * @param clock The source of time.
   * @param timeoutMs How long a connection may be silent before it counts as dead.
   * @param onUsage Hears how full the server's notify queue is, from 0 to 1.
   */
  constructor(clock: Clock, timeoutMs: number, onUsage: (share: number) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onUsage = onUsage;
  }

  /** A connection has given a sign: it lives, though the answer may be stuck behind others. */
  sign(role: Role): void {
    this.#lastSigns[role] = this.#clock.now();
  }

  /** The subscriber got this on the probe's channel. */
  heard(payload: string): void {
    if (payload === `${this.#lastToken}`) this.#arrived();
  }

  /** Ends the wait of a probe that is under way, without a verdict. */
  stop(): void {
    this.#stop();
  }

  /**
   * Publishes and waits for it to come back.
   *
   * @param publisher Where to publish; the probe's channel is listened to on the other connection.
   * @returns What is dead, if anything is.
   */
  async run(publisher: Pick<Connection, "ask">): Promise<Verdict | undefined> {
    this.#stop();
    const token = `${++this.#lastToken}`;
    const arrived = new Promise<"arrived">((resolve) => this.#arrived = () => resolve("arrived"));
    const stopped = new Promise<"stopped">((resolve) => this.#stop = () => resolve("stopped"));
    const asked = publisher.ask(ECHO, [this.channel, token]).catch((error: Error) => error);
    const reply = await this.#wait("publisher", Promise.race([asked, stopped]));
    if (reply === "stopped") return undefined;
    if (reply === "silent") return this.#verdict("publisher", "has not answered");
    if (reply instanceof Error) return { dead: "publisher", cause: reply };
    this.sign("publisher");
    this.#onUsage(Number(reply[0]?.usage));
    const back = await this.#wait("subscriber", Promise.race([arrived, stopped]));
    return back === "silent" ? this.#verdict("subscriber", "has delivered nothing", POOLER) : undefined;
  }

  #verdict(dead: Role, what: string, hint = ""): Verdict {
    return { dead, cause: new Error(`The ${dead}'s connection ${what} for ${this.#timeoutMs} ms${hint}`) };
  }

  #wait<T>(role: Role, answer: Promise<T>): Promise<T | "silent"> {
    return answerOrSilence(this.#clock, this.#timeoutMs, answer, () => this.#lastSigns[role]);
  }
}
