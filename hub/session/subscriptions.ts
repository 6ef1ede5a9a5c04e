/**
 * The topics that one connection subscribes to: from its asking, over authorization and the backplane, to live.
 *
 * @module
 */

import { HubError, isHubError, type Position, type Subscribed } from "../../contract/mod.ts";
import { type Authorizing, ruleOf, TopicAuthorizing } from "./authorizing.ts";
import type { Connection } from "../connection/connection.ts";
import { RateLimiter } from "./limits.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import { sendError } from "./send_error.ts";
import type { SessionContext } from "./session_context.ts";
import { SmallMap } from "../connection/small_map.ts";
import type { Topic } from "../topics/catalog.ts";
import { withHistory } from "../topics/histories.ts";
import { catchUp } from "./catch_up.ts";
import { Permits } from "./permits.ts";

/** How many histories are read for one connection at the same time. */
const MAX_READERS = 4;

/** A subscription, and what decides about it. */
interface Mark {
  live: boolean;
  asking?: Authorizing;
  /** Settles when that is decided. */
  deciding?: Promise<void>;
}

/** What counts for the limit of subscriptions. */
export interface Held {
  /** How many topics are subscribed, and places watched, by this connection. */
  readonly held: number;
}

/** The longest name of a topic that a client may subscribe to, in UTF-16 units: each is kept, on the backplane too. */
const MAX_NAME_LENGTH = 1_024;

/** The subscriptions of a connection. */
export class Subscriptions {
  readonly #conn: Connection;
  readonly #context: SessionContext;
  readonly #all: Held;
  /** By topic; the object also tells one subscription from a later one of the same topic. */
  readonly #active = new SmallMap<string, Mark>();
  /** Subscribes that have not ended: giving one up does not end what decides about it. */
  #underWay = 0;
  /** Who reads histories; absent while nobody has. */
  #permits: Permits | undefined;
  /** How much of histories it may be sent again. */
  #recovery: RateLimiter | undefined;

  /**
   * @param conn Who subscribes.
   * @param context What all sessions share.
   * @param all What counts for the limit, these included.
   */
  constructor(conn: Connection, context: SessionContext, all: Held) {
    this.#conn = conn;
    this.#context = context;
    this.#all = all;
  }

  /** How many there are, those on their way included. */
  get size(): number {
    return this.#active.size;
  }

  /** Whether a topic is subscribed, and live. */
  isLive(name: string): boolean {
    return this.#active.get(name)?.live === true;
  }

  /** Settles when it is decided whether a topic may be subscribed; `undefined` where nobody has to wait for that. */
  deciding(name: string): Promise<void> | undefined {
    return this.#active.get(name)?.deciding;
  }

  /**
   * Subscribes, and answers the client. Never rejects.
   *
   * @param id The id to answer to.
   * @param name The topic.
   * @param since The last message that the client has, in a topic with history.
   */
  async subscribe(id: number, name: string, since?: Position): Promise<void> {
    const { topics, limits: { maxSubscriptions: max }, onError } = this.#context;
    const conn = this.#conn;
    const mark: Mark = { live: false };
    this.#underWay++;
    try {
      if (name.length > MAX_NAME_LENGTH) {
        throw new HubError(
          "BAD_REQUEST",
          `The name of a topic may have ${MAX_NAME_LENGTH} characters at the most`,
        );
      }
      if (this.#active.has(name)) throw new HubError("BAD_REQUEST", `Subscribed to "${name}" already`);
      if (this.#all.held >= max || this.#underWay > max) {
        throw new HubError("RATE_LIMITED", `Cannot subscribe to more than ${max} topics`);
      }
      const topic = topics.find(name, conn.role);
      if (since) this.#checkRecovery();
      this.#active.set(name, mark);
      const { pattern } = topic.entry;
      const rule = ruleOf(this.#context.options.authorize, pattern);
      if (rule) {
        const decided = { what: "subscribe to", name, option: `"${pattern}" of authorize` };
        const later = (mark.asking = new TopicAuthorizing(topic, conn)).ask(rule, decided, this.#context);
        if (later) await (mark.deciding = later);
        mark.asking = mark.deciding = undefined;
      }
      if (this.#active.get(name) !== mark) {
        throw new HubError("DISCONNECTED", `Unsubscribed from "${name}" meanwhile`);
      }
      await this.#join(id, topic, since, mark);
    } catch (error) {
      if (this.#active.get(name) === mark) this.#active.delete(name);
      if (!isHubError(error)) onError(error, { stage: "handler", name, connectionId: conn.id });
      sendError(conn, error, (wire) => new OutgoingMessage(["err", id, wire]), onError);
    } finally {
      this.#underWay--;
    }
  }

  /** Ends a subscription, whatever its state. */
  unsubscribe(name: string): void {
    const { topics, registry } = this.#context;
    const mark = this.#active.get(name);
    if (!mark) return;
    this.#active.delete(name);
    mark.asking?.abort(new HubError("DISCONNECTED", `Unsubscribed from "${name}" meanwhile`));
    registry.leave(topics.find(name, this.#conn.role).channel, this.#conn);
  }

  /** Forgets everything: the connection is gone. */
  close(): void {
    const gone = new HubError("DISCONNECTED", "The client is gone");
    const marks = this.#active.entries();
    this.#active.clear();
    for (const [, { asking }] of marks) asking?.end(gone);
  }

  /** Histories are long and a subscribe is short: who asks again and again must not be sent without a limit. */
  #checkRecovery(): void {
    const { limits: { messagesPerSecond, recoveryBurst: messageBurst }, options: { clock } } = this.#context;
    const recovery = this.#recovery ??= new RateLimiter(clock, { messagesPerSecond, messageBurst });
    recovery.refill(1);
    if (recovery.hasRoom) return;
    throw new HubError("RATE_LIMITED", `More than ${messageBurst} messages of histories were sent again`);
  }

  /** Joins, and answers in the moment from which on live messages follow. */
  #join(id: number, topic: Topic, since: Position | undefined, mark: Mark): Promise<void> {
    const conn = this.#conn;
    const { topics: { histories }, registry, options: { clock }, onError } = this.#context;
    const answer = (subscribed?: Subscribed) => {
      mark.live = true;
      conn.outbox.pushOwn(new OutgoingMessage(["res", id, subscribed]));
    };
    const kept = withHistory(topic);
    if (!kept) return registry.join(topic.channel, conn, answer);
    const permits = this.#permits ??= new Permits(MAX_READERS);
    return registry.joinWhen(topic.channel, conn, (enter) =>
      catchUp({
        topic: kept,
        since,
        histories,
        outbox: conn.outbox,
        permits,
        clock,
        charge: (records) => this.#recovery?.charge(records),
        isOver: () => conn.closed || this.#active.get(topic.name) !== mark,
        finish: (subscribed) => {
          answer(subscribed);
          enter();
        },
        onError: (error) =>
          onError(error, { stage: "delivery", channel: topic.channel, connectionId: conn.id }),
      }));
  }
}
