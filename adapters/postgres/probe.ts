/**
 * Checks that a message which this node publishes comes back to it. Only this check shows that both connections live
 * and lead to the same database. A silent connection and a dead one look the same.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence } from "../kit/deadline.ts";
import type { Role, Verdict } from "../kit/engine.ts";
import type { Connection } from "./connection.ts";

const ECHO = "SELECT pg_notify($1, $2), pg_notification_queue_usage() AS usage";

/** A pooler between node and server can have the same effect as a dead connection. */
const POOLER = "; a pooler in between has to be in session mode";

/** Runs one probe at a time. */
export class Probe {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onUsage: (share: number) => void;
  /** The notify channel of this node's probes. */
  channel = "";
  #lastToken = 0;
  readonly #lastSigns: Record<Role, number> = { publisher: -Infinity, subscriber: -Infinity };
  #arrived = () => {};
  #stop = () => {};

  /**
   * @param clock The source of time.
   * @param timeoutMs How long a connection may be silent before it counts as dead.
   * @param onUsage Called with how full the server's notify queue is, from 0 to 1.
   */
  constructor(clock: Clock, timeoutMs: number, onUsage: (share: number) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onUsage = onUsage;
  }

  /** A connection has received something, so it lives. The probe's answer may be stuck behind other messages. */
  sign(role: Role): void {
    this.#lastSigns[role] = this.#clock.now();
  }

  /** The subscriber has received this payload on the probe's channel. */
  heard(payload: string): void {
    if (payload === `${this.#lastToken}`) this.#arrived();
  }

  /** Ends the wait of the running probe, without a result. */
  stop(): void {
    this.#stop();
  }

  /**
   * Publishes a probe, and waits until it comes back.
   *
   * @param publisher The connection to publish on. The other connection listens to the probe's channel.
   * @returns The dead connection, if there is one.
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
