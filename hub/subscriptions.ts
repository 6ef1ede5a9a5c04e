/**
 * The topics that one connection subscribes to: from its asking, over authorization and the backplane, to live.
 *
 * @module
 */

import { HubError, type Position, type Subscribed } from "../contract/mod.ts";
import type { Connection } from "./connection.ts";
import { Outgoing } from "./outgoing.ts";
import type { HubErrorInfo } from "./options.ts";
import type { Registry } from "./registry.ts";
import { sendError } from "./send_error.ts";
import type { Topic, Topics } from "./topics.ts";

/** What {@linkcode Subscriptions} needs. */
export interface SubscriptionsParts {
  /** Who subscribes. */
  readonly conn: Connection;
  /** The topics there are. */
  readonly topics: Topics;
  /** Who is in what. */
  readonly registry: Registry;
  /** How many. */
  readonly max: number;
  /** Whether the connection may; `undefined` when nobody decides. */
  authorize(topic: Topic, conn: Connection): boolean | Promise<boolean>;
  /** Told of errors that are not the client's. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The subscriptions of a connection. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  /** By topic; the object also tells one subscription from a later one of the same topic. */
  readonly #active = new Map<string, { live: boolean }>();
  /** Subscribes that have not ended: giving one up does not end what decides about it. */
  #underWay = 0;

  /** @param parts What it needs. */
  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
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
    const { conn, topics, registry, max, onError } = this.#parts;
    const mark = { live: false };
    this.#underWay++;
    try {
      if (this.#active.has(name)) throw new HubError("BAD_REQUEST", `Subscribed to "${name}" already`);
      if (this.#active.size >= max || this.#underWay > max) {
        throw new HubError("RATE_LIMITED", `Cannot subscribe to more than ${max} topics`);
      }
      const topic = topics.find(name, conn.role);
      this.#active.set(name, mark);
      const allowed = this.#parts.authorize(topic, conn);
      if (!(typeof allowed === "boolean" ? allowed : await allowed)) {
        throw new HubError("FORBIDDEN", `Not allowed to subscribe to "${name}"`);
      }
      if (this.#active.get(name) !== mark) {
        throw new HubError("DISCONNECTED", `Unsubscribed from "${name}" meanwhile`);
      }
      await registry.join(topic.channel, conn, () => {
        mark.live = true;
        this.#answer(id, topic, since);
      });
    } catch (error) {
      if (this.#active.get(name) === mark) this.#active.delete(name);
      if (!(error instanceof HubError)) onError(error, { stage: "handler", name, connectionId: conn.id });
      sendError(conn, error, (wire) => new Outgoing(["err", id, wire]), onError);
    } finally {
      this.#underWay--;
    }
  }

  /** Ends a subscription, whatever its state. */
  unsubscribe(name: string): void {
    const { conn, topics, registry } = this.#parts;
    if (this.#active.delete(name)) registry.leave(topics.find(name, conn.role).channel, conn);
  }

  /** Forgets everything: the connection is gone. */
  close(): void {
    this.#active.clear();
  }

  /** Sends what was missed, then the answer; live messages follow, because this and joining are one step. */
  #answer(id: number, topic: Topic, since: Position | undefined): void {
    const { conn, topics } = this.#parts;
    const { history } = topic.entry.definition;
    if (!history) return conn.outbox.push(new Outgoing(["res", id]));
    const log = topics.histories.open(topic.channel, history);
    const page = since && log.read({ since: { epoch: since[0], offset: since[1] } });
    const recovered = page?.complete === true;
    for (const { payload: { message } } of recovered ? page.records : []) conn.outbox.push(message);
    const subscribed: Subscribed = { position: log.position, recovered };
    conn.outbox.push(new Outgoing(["res", id, subscribed]));
  }
}
