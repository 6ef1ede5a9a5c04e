/**
 * The topics that one connection subscribes to: from its asking, over authorization and the backplane, to live.
 *
 * @module
 */

import { HubError, type Position, type Subscribed } from "../../contract/mod.ts";
import type { Connection } from "../connection/connection.ts";
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

/** The subscriptions of a connection. */
export class Subscriptions {
  readonly #conn: Connection;
  readonly #context: SessionContext;
  /** By topic; the object also tells one subscription from a later one of the same topic. */
  readonly #active = new SmallMap<string, { live: boolean }>();
  /** Subscribes that have not ended: giving one up does not end what decides about it. */
  #underWay = 0;
  /** Who reads histories; absent while nobody has. */
  #permits: Permits | undefined;

  /**
   * @param conn Who subscribes.
   * @param context What all sessions share.
   */
  constructor(conn: Connection, context: SessionContext) {
    this.#conn = conn;
    this.#context = context;
  }

  /** How many there are, those on their way included. */
  get size(): number {
    return this.#active.size;
  }

  /** Whether a topic is subscribed, and live. */
  isLive(name: string): boolean {
    return this.#active.get(name)?.live === true;
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
    const mark = { live: false };
    this.#underWay++;
    try {
      if (this.#active.has(name)) throw new HubError("BAD_REQUEST", `Subscribed to "${name}" already`);
      if (this.#active.size >= max || this.#underWay > max) {
        throw new HubError("RATE_LIMITED", `Cannot subscribe to more than ${max} topics`);
      }
      const topic = topics.find(name, conn.role);
      this.#active.set(name, mark);
      const allowed = this.#authorize(topic);
      if (!(typeof allowed === "boolean" ? allowed : await allowed)) {
        throw new HubError("FORBIDDEN", `Not allowed to subscribe to "${name}"`);
      }
      if (this.#active.get(name) !== mark) {
        throw new HubError("DISCONNECTED", `Unsubscribed from "${name}" meanwhile`);
      }
      await this.#join(id, topic, since, mark);
    } catch (error) {
      if (this.#active.get(name) === mark) this.#active.delete(name);
      if (!(error instanceof HubError)) onError(error, { stage: "handler", name, connectionId: conn.id });
      sendError(conn, error, (wire) => new OutgoingMessage(["err", id, wire]), onError);
    } finally {
      this.#underWay--;
    }
  }

  /** Ends a subscription, whatever its state. */
  unsubscribe(name: string): void {
    const { topics, registry } = this.#context;
    if (!this.#active.delete(name)) return;
    registry.leave(topics.find(name, this.#conn.role).channel, this.#conn);
  }

  /** Forgets everything: the connection is gone. */
  close(): void {
    this.#active.clear();
  }

  #authorize({ name: topic, params, entry }: Topic): boolean | Promise<boolean> {
    const authorize = this.#context.options.authorize as
      | Readonly<Record<string, ((asked: unknown) => boolean | Promise<boolean>) | undefined>>
      | undefined;
    const decide = authorize && Object.hasOwn(authorize, entry.pattern)
      ? authorize[entry.pattern]
      : undefined;
    return decide ? decide({ params, topic, conn: this.#conn }) : true;
  }

  /** Joins, and answers in the moment from which on live messages follow. */
  #join(id: number, topic: Topic, since: Position | undefined, mark: { live: boolean }): Promise<void> {
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
