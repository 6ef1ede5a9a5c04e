/**
 * The topics that one connection subscribes to: from its asking, over authorization and the backplane, to live.
 *
 * @module
 */

import {
  type HistoryAsk,
  HubError,
  isHubError,
  type SubOptions,
  type Subscribed,
} from "../../contract/mod.ts";
import { type Authorizing, ruleOf, TopicAuthorizing } from "./authorizing.ts";
import type { Connection } from "../connection/connection.ts";
import { cutName, RateLimiter } from "./limits.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import { sendError } from "./send_error.ts";
import type { SessionContext } from "./session_context.ts";
import { SmallMap } from "../connection/small_map.ts";
import type { Topic } from "../topics/catalog.ts";
import { type HistoryTopic, withHistory } from "../topics/histories.ts";
import { catchUp } from "./catch_up.ts";
import { pageMessage, readPage } from "./history_page.ts";
import { Permits } from "./permits.ts";

/** How many histories are read for one connection at the same time. */
const MAX_READERS = 4;

/** A subscription, and what decides about it. */
interface Mark {
  live: boolean;
  /** Those who wait until it is live, or is not to be. */
  readonly waiting: (() => void)[];
  asking?: Authorizing;
  /** Settles when that is decided. */
  deciding?: Promise<void>;
  /** Why the application has taken it away before it was live. */
  refusal?: HubError;
}

/** What counts for the limit of subscriptions. */
export interface Held {
  /** How many topics are subscribed, and places watched, by this connection. */
  readonly held: number;
}

/** The longest name of a topic that a client may subscribe to, in UTF-16 units: each is kept, on the backplane too. */
const MAX_NAME_LENGTH = 1_024;

/** As long as an epoch gets, in UTF-16 units; and what is none. */
const MAX_EPOCH_LENGTH = 64;
const NO_EPOCH = "?".repeat(MAX_EPOCH_LENGTH + 1);

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
   * @param start From where on the client wants messages, in a topic with history.
   */
  subscribe(id: number, name: string, start?: SubOptions): Promise<void> {
    return this.#subscribe(id, name, startOf(start));
  }

  async #subscribe(id: number, name: string, start: SubOptions): Promise<void> {
    const { topics, limits: { maxSubscriptions: max }, onError } = this.#context;
    const conn = this.#conn;
    const mark: Mark = { live: false, waiting: [] };
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
      const begins = beginning(topic, start);
      if (begins) this.#checkRecovery();
      this.#active.set(name, mark);
      const turn = this.#context.subscribes.take();
      if (turn) {
        mark.deciding = new Promise((resolve) => mark.waiting.push(resolve));
        await turn;
      }
      this.#context.subscribes.leave(); // how many begin in a turn is bounded, not how many are under way
      this.#checkWanted(name, mark);
      const { pattern } = topic.entry;
      const rule = ruleOf(this.#context.options.authorize, pattern);
      if (rule || this.#context.middlewares.some) {
        const decided = { what: "subscribe to", name, option: `"${pattern}" of authorize` };
        const later = (mark.asking = new TopicAuthorizing(topic, conn)).ask(rule, decided, this.#context);
        if (later) await (mark.deciding = later);
      }
      mark.asking = mark.deciding = undefined;
      this.#checkWanted(name, mark);
      await this.#join(id, topic, begins, mark);
    } catch (error) {
      if (this.#active.get(name) === mark) this.#active.delete(name);
      if (!isHubError(error)) onError(error, { stage: "handler", name, connectionId: conn.id });
      sendError(conn, mark.refusal ?? error, (wire) => new OutgoingMessage(["err", id, wire]), onError);
    } finally {
      this.#underWay--;
      for (const goOn of mark.waiting) goOn();
    }
  }

  /**
   * Reads a history for the client, and answers it. Who may read it was decided when it subscribed. Never rejects.
   *
   * @param id The id to answer to.
   * @param name The topic.
   * @param ask What to read.
   */
  history(id: number, name: string, ask: HistoryAsk = {}): Promise<void> {
    const { limit, reverse } = ask;
    return this.#history(id, name, { ...startOf(ask), limit, reverse });
  }

  async #history(id: number, name: string, ask: HistoryAsk): Promise<void> {
    const conn = this.#conn;
    const { topics, limits: { maxSubscriptions: max }, onError } = this.#context;
    this.#underWay++;
    try {
      if (this.#underWay > max) throw new HubError("RATE_LIMITED", `${max} questions have no answer yet`);
      const mark = this.#active.get(name);
      if (mark && !mark.live) await new Promise<void>((resolve) => mark.waiting.push(resolve));
      this.#checkLive(name, mark);
      const topic = topics.find(name, conn.role);
      beginning(topic, ask);
      await this.#sendPage(id, keptOf(topic), ask, mark);
    } catch (error) {
      if (!isHubError(error) || error.code === "INTERNAL") {
        onError(error, { stage: "handler", name, connectionId: conn.id });
      }
      sendError(conn, error, (wire) => new OutgoingMessage(["err", id, wire]), onError);
    } finally {
      this.#underWay--;
    }
  }

  /** Sends a page once the link has room for it: who does not read is read nothing for. */
  async #sendPage(
    id: number,
    topic: HistoryTopic,
    ask: HistoryAsk,
    mark: Mark | undefined,
  ): Promise<void> {
    const { outbox } = this.#conn;
    const { topics: { histories }, historyReads: reads } = this.#context;
    const permits = this.#permits ??= new Permits(MAX_READERS);
    await permits.take();
    try {
      while (outbox.congested && !this.#conn.closed) await outbox.room();
      const mayRead = reads.take();
      try {
        if (mayRead) await mayRead;
        if (this.#conn.closed) return;
        this.#checkLive(topic.name, mark);
        const recovery = this.#checkRecovery();
        const page = await readPage(histories, topic, ask);
        this.#checkLive(topic.name, mark);
        recovery.charge(page.records.length);
        outbox.pushOwn(pageMessage(id, histories, topic, page));
      } finally {
        reads.leave();
      }
    } finally {
      permits.give();
    }
  }

  /** Who has left, and may not come back, is not sent what it has asked for before. */
  #checkLive(name: string, mark: Mark | undefined): void {
    if (mark?.live && this.#active.get(name) === mark) return;
    throw new HubError(
      "FORBIDDEN",
      `Subscribe to "${cutName(name)}" first: only then its history may be read`,
    );
  }

  /** Ends a subscribe that the client has taken back, or that nobody waits for any more. */
  #checkWanted(name: string, mark: Mark): void {
    if (this.#active.get(name) === mark) return;
    throw new HubError("DISCONNECTED", `Unsubscribed from "${name}" meanwhile`);
  }

  /** Ends a subscription, whatever its state. */
  unsubscribe(name: string): void {
    const mark = this.#active.get(name);
    if (mark) this.#end(name, mark, new HubError("DISCONNECTED", `Unsubscribed from "${name}" meanwhile`));
  }

  /** The application takes a subscription away, whatever its state; see `HubConnection.unsubscribe`. */
  revoke(name: string, reason: string): void {
    const mark = this.#active.get(name);
    if (!mark) return;
    const why = new HubError("FORBIDDEN", reason);
    if (!mark.live) mark.refusal = why; // the answer to its subscribe
    mark.asking?.end(why); // it is decided
    this.#end(name, mark, why);
    if (!mark.live) return;
    const { onError } = this.#context;
    sendError(this.#conn, why, (wire) => new OutgoingMessage(["end", name, wire]), onError);
  }

  #end(name: string, mark: Mark, why: HubError): void {
    const { topics, registry } = this.#context;
    this.#active.delete(name);
    mark.asking?.abort(why);
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
  #checkRecovery(): RateLimiter {
    const { limits: { messagesPerSecond, recoveryBurst: messageBurst }, options: { clock } } = this.#context;
    const recovery = this.#recovery ??= new RateLimiter(clock, { messagesPerSecond, messageBurst });
    recovery.refill(1);
    if (recovery.hasRoom) return recovery;
    throw new HubError("RATE_LIMITED", `More than ${messageBurst} messages of histories were sent again`);
  }

  /** Joins, and answers in the moment from which on live messages follow. */
  #join(id: number, topic: Topic, start: SubOptions | undefined, mark: Mark): Promise<void> {
    const conn = this.#conn;
    const { topics: { histories }, historyReads: reads, registry, options: { clock }, onError } =
      this.#context;
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
        start,
        histories,
        outbox: conn.outbox,
        permits,
        reads,
        clock,
        charge: (records) => this.#recovery?.charge(records),
        isOver: () => conn.closed || this.#active.get(topic.name) !== mark,
        begin: (position) => conn.outbox.push(new OutgoingMessage(["from", id, position])),
        finish: (subscribed) => {
          answer(subscribed);
          enter();
        },
        onError: (error) =>
          onError(error, { stage: "delivery", channel: topic.channel, connectionId: conn.id }),
      }));
  }
}

function keptOf(topic: Topic): HistoryTopic {
  const kept = withHistory(topic);
  if (kept) return kept;
  throw new HubError("NOT_FOUND", `Topic "${topic.name}" keeps no history`);
}

/** What is kept of what a client says while it waits: no more than is read of it. */
export function startOf({ since, last, withinMs, again }: SubOptions = {}): SubOptions {
  const [epoch, offset] = since ?? [];
  return {
    since: since && [epoch!.length > MAX_EPOCH_LENGTH ? NO_EPOCH : epoch!, offset!],
    last,
    withinMs,
    again,
  };
}

/** From where on a client wants messages, if it says so. */
function beginning(topic: Topic, start: SubOptions = {}): SubOptions | undefined {
  const { since, last, withinMs } = start;
  const given = [since, last, withinMs].filter((value) => value !== undefined).length;
  if (given === 0) return undefined;
  if (given > 1) throw new HubError("BAD_REQUEST", "Give one of since, last and withinMs: not several");
  if (!since) keptOf(topic);
  return start;
}
