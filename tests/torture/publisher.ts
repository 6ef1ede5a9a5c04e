/**
 * Publishes over nodes that come and go: each message with an id, again and again until it is certain that it is kept.
 *
 * @module
 */

import { Random } from "../load/random.ts";
import type { TopicName } from "./contract.ts";
import { kindOf, Tally } from "./tally.ts";
import type { Answer, Order } from "./words.ts";

/** Where an answer said that a message is kept. */
export interface Ack {
  readonly epoch: string;
  readonly offset: number;
}

/** A message, and what is known of it. */
export interface Publication {
  readonly number: number;
  readonly topic: TopicName;
  /** When it was sent to a node first, by the clock of the machine, in milliseconds. */
  readonly sentAt: number;
  /** The life of the node that it was sent to first. */
  readonly life: number;
  /** How often it was sent. */
  attempts: number;
  /** How many of these have no answer yet. */
  open: number;
  /** All answers that it is kept; one, unless it was sent to several nodes. */
  readonly acks: Ack[];
  /** The message was certainly refused, and not sent again. */
  refused: boolean;
}

/** A node that messages can be sent to. */
export interface Outlet {
  /** Different for each start of a node. */
  readonly life: number;
  publish(orders: readonly Order[]): void;
}

/** How often messages are sent, in milliseconds. */
const TICK_MS = 20;
/** How many messages may be on their way, in seconds of the rate. */
const MOST_SECONDS = 2;
/** Of so many messages one is not sent again when it was certainly not kept. */
const GIVES_UP = 4;
/** Of so many messages one is sent to two nodes at once. */
const TWICE = 32;
/** How long after a failure a message is sent again, at the least and at the most. */
const AGAIN_MS = { least: 50, most: 500 } as const;

/** See the module. */
export class Publisher {
  /** All messages, by number. */
  readonly all = new Map<number, Publication>();
  /** Why messages were not kept, or maybe not. */
  readonly failures = new Tally();
  readonly #topics: readonly TopicName[];
  readonly #outlets: () => readonly Outlet[];
  readonly #onViolation: (what: string) => void;
  readonly #chance: Random;
  /** The messages that each life has not answered. */
  readonly #sent = new Map<number, Set<Publication>>();
  readonly #again: { readonly at: number; readonly publication: Publication }[] = [];
  /** The messages for the next tick. */
  readonly #pending: { readonly publication: Publication; readonly outlet: Outlet }[] = [];
  #unsettled = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #number = 0;
  #due = 0;

  /**
   * @param seed What its draws follow from.
   * @param topics What it publishes on.
   * @param outlets The nodes that can be sent to at present.
   * @param onViolation Called with what must not be.
   */
  constructor(
    seed: number,
    topics: readonly TopicName[],
    outlets: () => readonly Outlet[],
    onViolation: (what: string) => void,
  ) {
    this.#chance = new Random(seed);
    this.#topics = topics;
    this.#outlets = outlets;
    this.#onViolation = onViolation;
  }

  /** How many messages may still have to be sent, or be kept. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Begins to publish so many messages in a second. */
  start(rate: number): void {
    let last = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#due = Math.min(this.#due + rate * (now - last) / 1_000, rate);
      last = now;
      for (; this.#due >= 1 && this.#unsettled < rate * MOST_SECONDS; this.#due--) {
        this.#publish(this.#chance.pick(this.#topics));
      }
      this.#flush();
    }, TICK_MS);
  }

  /** Publishes no more messages of its own accord, but goes on with those that are not settled. */
  finish(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#flush(), TICK_MS);
  }

  /** Publishes one message on each topic. */
  publishLast(): Publication[] {
    const last = this.#topics.map((topic) => this.#publish(topic, true));
    this.#flush();
    return last;
  }

  /** Stops the publisher. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** A node has answered. */
  answered(life: number, answers: readonly Answer[]): void {
    for (const answer of answers) this.#take(life, answer);
  }

  /** A node is gone, and answers no more. */
  gone(life: number): void {
    const sent = this.#sent.get(life) ?? [];
    this.#sent.delete(life);
    for (const publication of sent) {
      publication.open--;
      this.failures.add("the node is gone");
      this.#retry(publication);
    }
  }

  #publish(topic: TopicName, last = false): Publication {
    const outlet = this.#chance.pick(this.#outlets());
    const number = ++this.#number;
    const publication: Publication = {
      number,
      topic,
      sentAt: Date.now(),
      life: outlet?.life ?? 0,
      attempts: 0,
      open: 0,
      acks: [],
      refused: false,
    };
    this.all.set(number, publication);
    this.#unsettled++;
    this.#send(publication, outlet);
    if (!last && outlet && number % TWICE === 1) this.#send(publication, this.#chance.pick(this.#outlets()));
    return publication;
  }

  #send(publication: Publication, outlet: Outlet | undefined): void {
    if (!outlet) return this.#retry(publication);
    const sent = this.#sent.get(outlet.life) ?? new Set();
    this.#sent.set(outlet.life, sent);
    if (sent.has(publication)) return;
    sent.add(publication);
    publication.attempts++;
    publication.open++;
    this.#pending.push({ publication, outlet });
  }

  #flush(): void {
    const now = performance.now();
    const due = this.#again.filter(({ at }) => at <= now);
    if (due.length > 0) {
      const rest = this.#again.filter(({ at }) => at > now);
      this.#again.splice(0, Infinity, ...rest);
    }
    for (const { publication } of due) this.#send(publication, this.#chance.pick(this.#outlets()));
    const orders = new Map<Outlet, Order[]>();
    for (const { publication: { number, topic }, outlet } of this.#pending.splice(0)) {
      const some = orders.get(outlet) ?? [];
      orders.set(outlet, some);
      some.push([number, topic]);
    }
    for (const [outlet, some] of orders) outlet.publish(some);
  }

  #take(life: number, [number, ...rest]: Answer): void {
    const publication = this.all.get(number)!;
    if (!this.#sent.get(life)?.delete(publication)) return; // it was counted as gone
    publication.open--;
    const [where, what] = rest;
    if (typeof what === "number") {
      publication.acks.push({ epoch: where, offset: what });
      if (publication.acks.length === 1) this.#unsettled--;
      return;
    }
    this.failures.add(kindOf({ code: where, message: what }));
    if (where !== "UNAVAILABLE" && where !== "UNCERTAIN") {
      this.#onViolation(`publishing message ${number} on ${publication.topic} failed: ${where} ${what}`);
    }
    if (where === "UNAVAILABLE" && publication.attempts === 1 && number % GIVES_UP === 0) {
      publication.refused = true;
      this.#unsettled--;
    } else this.#retry(publication);
  }

  #retry(publication: Publication): void {
    if (publication.acks.length > 0 || publication.open > 0) return;
    const { least, most } = AGAIN_MS;
    this.#again.push({ at: performance.now() + least + this.#chance.below(most - least), publication });
  }
}
