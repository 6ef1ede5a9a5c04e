/**
 * The topics that one connection subscribes to. A subscribe asks the rule, then the backplane, and then the
 * subscription is live.
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
import type { Wait } from "./gate.ts";
import { SmallMap } from "../connection/small_map.ts";
import type { Topic } from "../topics/catalog.ts";
import { type HistoryTopic, withHistory } from "../topics/histories.ts";
import { catchUp } from "./catch_up.ts";
import { pageMessage, readPage } from "./history_page.ts";
import { Permits } from "./permits.ts";

/** How many histories it reads for one connection at the same time. */
const MAX_READERS = 4;

/** A subscription and its state. */
interface Mark {
  live: boolean;
  /** Called when the subscription is live, or has failed. */
  waiting?: (() => void)[];
  /**
   * The wait for its turn to begin. A client that goes gives its wait up. Otherwise clients that come and go would fill the
   * queue.
   */
  wait?: Wait | undefined;
  asking?: Authorizing;
  /** Settles when the rule has decided. */
  deciding?: Promise<void>;
  /** Why the application ended it before it was live. */
  refusal?: HubError;
}

/** The number that counts for the limit of subscriptions. */
export interface Held {
  /** How many topics this connection subscribes to, and how many places it watches. */
  readonly held: number;
}

/**
 * The longest name of a topic that a client may subscribe to, in UTF-16 units. The hub and the backplane keep each
 * name.
 */
const MAX_NAME_LENGTH = 1_024;

/** The longest epoch, in UTF-16 units; and a text that is no epoch. */
const MAX_EPOCH_LENGTH = 64;
const NO_EPOCH = "?".repeat(MAX_EPOCH_LENGTH + 1);

/** The subscriptions of a connection. */
export class Subscriptions {
  readonly #conn: Connection;
  readonly #context: SessionContext;
  readonly #all: Held;
  /** By topic. The object also distinguishes a subscription from a later one of the same topic. */
  readonly #active = new SmallMap<string, Mark>();
  /** How many calls still run. A cancelled subscribe counts until its rule has ended. */
  #underWay = 0;
  /** Limits the history reads of this connection; made by the first one. */
  #permits: Permits | undefined;
  /** Limits how many messages of histories this connection gets again. */
  #recovery: RateLimiter | undefined;

  /**
   * @param conn The connection.
   * @param context The shared context of all sessions.
   * @param all Counts everything for the limit, including these subscriptions.
   */
  constructor(conn: Connection, context: SessionContext, all: Held) {
    this.#conn = conn;
    this.#context = context;
    this.#all = all;
  }

  /** How many there are, also before they are live. */
  get size(): number {
    return this.#active.size;
  }

  /** Whether it has a live subscription to a topic. */
  isLive(name: string): boolean {
    return this.#active.get(name)?.live === true;
  }

  /**
   * Settles when it is decided whether the client may subscribe to a topic; `undefined` when nothing is being
   * decided.
   */
  deciding(name: string): Promise<void> | undefined {
    return this.#active.get(name)?.deciding;
  }

  /**
   * Subscribes, and answers the client: at once, if nothing takes time. Does not throw.
   *
   * @param id The id of the client's question.
   * @param name The topic.
   * @param start Where the client begins, in a topic with history.
   */
  subscribe(id: number, name: string, start?: SubOptions): void {
    const mark: Mark = { live: false };
    this.#underWay++;
    try {
      const later = this.#begin(id, name, start, mark);
      if (later) return void this.#finish(later, id, name, mark);
    } catch (error) {
      this.#fail(error, id, name, mark);
    }
    this.#over(mark);
  }

  /** The first part, up to the turn of the subscribe. Returns a promise if the rest takes time. */
  #begin(id: number, name: string, given: SubOptions | undefined, mark: Mark): Promise<void> | undefined {
    const { topics, subscribes, limits: { maxSubscriptions: max } } = this.#context;
    if (name.length > MAX_NAME_LENGTH) {
      const text = `The name of a topic may have at most ${MAX_NAME_LENGTH} characters`;
      throw new HubError("BAD_REQUEST", text);
    }
    if (this.#active.has(name)) {
      throw new HubError("BAD_REQUEST", `Cannot subscribe to "${name}" twice on one connection`);
    }
    if (this.#all.held >= max || this.#underWay > max) {
      throw new HubError("RATE_LIMITED", `Cannot subscribe to more than ${max} topics`);
    }
    const topic = topics.find(name, this.#conn.role);
    const start = given && beginning(topic, startOf(given));
    if (start) this.#checkRecovery();
    this.#active.set(name, mark);
    const wait = subscribes.wait();
    if (!wait) return this.#ask(id, topic, start, mark);
    mark.wait = wait;
    mark.deciding = new Promise((resolve) => (mark.waiting ??= []).push(resolve));
    return wait.turn.then(() => {
      mark.wait = undefined;
      return this.#ask(id, topic, start, mark);
    });
  }

  /** The second part: asks the rule. */
  #ask(id: number, topic: Topic, start: SubOptions | undefined, mark: Mark): Promise<void> | undefined {
    const { subscribes, middlewares, options: { authorize } } = this.#context;
    const { name, entry: { pattern } } = topic;
    subscribes.leave(); // bounds how many begin in a turn, not how many run
    this.#checkWanted(name, mark);
    const rule = ruleOf(authorize, pattern);
    if (!rule && !middlewares.some) return this.#decided(id, topic, start, mark);
    const decided = { what: "subscribe to", name, option: `"${pattern}" of authorize` };
    const later = (mark.asking = new TopicAuthorizing(topic, this.#conn)).ask(rule, decided, this.#context);
    if (!later) return this.#decided(id, topic, start, mark);
    return (mark.deciding = later).then(() => this.#decided(id, topic, start, mark));
  }

  /** The third part: the client may subscribe. */
  #decided(id: number, topic: Topic, start: SubOptions | undefined, mark: Mark): Promise<void> | undefined {
    if (mark.asking) mark.asking = undefined;
    if (mark.deciding) mark.deciding = undefined;
    this.#checkWanted(topic.name, mark);
    return this.#join(id, topic, start, mark);
  }

  async #finish(later: Promise<void>, id: number, name: string, mark: Mark): Promise<void> {
    try {
      await later;
    } catch (error) {
      this.#fail(error, id, name, mark);
    } finally {
      this.#over(mark);
    }
  }

  #fail(error: unknown, id: number, name: string, mark: Mark): void {
    const { calls, onError } = this.#context;
    const conn = this.#conn;
    if (this.#active.get(name) === mark) this.#active.delete(name);
    calls.thrown(error, { stage: "handler", name, connectionId: conn.id });
    sendError(conn, mark.refusal ?? error, (wire) => new OutgoingMessage(["err", id, wire]), onError);
  }

  #over({ waiting }: Mark): void {
    this.#underWay--;
    if (waiting) { for (const goOn of waiting.splice(0)) goOn(); }
  }

  /**
   * Reads a history for the client, and answers it. The client may read it when it is subscribed. Never rejects.
   *
   * @param id The id of the client's question.
   * @param name The topic.
   * @param ask The part of the history to read.
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
      if (this.#underWay > max) {
        throw new HubError(
          "RATE_LIMITED",
          `Cannot read the history of "${cutName(name)}": ${max} questions of this client have no answer yet`,
        );
      }
      const mark = this.#active.get(name);
      if (mark && !mark.live) await new Promise<void>((resolve) => (mark.waiting ??= []).push(resolve));
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

  /** Sends a page when the link has room for it. It does not read the history while the client does not read. */
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
      if (this.#conn.closed) return; // before it takes a turn from others
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

  /** Checks that the client is still subscribed. A client that has left gets no answer to an earlier question. */
  #checkLive(name: string, mark: Mark | undefined): void {
    if (mark?.live && this.#active.get(name) === mark) return;
    throw new HubError(
      "FORBIDDEN",
      `Subscribe to "${cutName(name)}" first: only then its history may be read`,
    );
  }

  /** Ends a subscribe that the client has cancelled. */
  #checkWanted(name: string, mark: Mark): void {
    if (this.#active.get(name) === mark) return;
    throw new HubError("DISCONNECTED", `Unsubscribed from "${name}" meanwhile`);
  }

  /** Ends a subscription in any state. */
  unsubscribe(name: string): void {
    const mark = this.#active.get(name);
    if (mark) this.#end(name, mark, new HubError("DISCONNECTED", `Unsubscribed from "${name}" meanwhile`));
  }

  /** Ends a subscription in any state for the application; see `HubConnection.unsubscribe`. */
  revoke(name: string, reason: string): void {
    const mark = this.#active.get(name);
    if (!mark) return;
    const why = new HubError("FORBIDDEN", reason);
    if (!mark.live) mark.refusal = why; // the answer to its subscribe
    mark.asking?.end(why); // its rule need not answer any more
    this.#end(name, mark, why);
    if (!mark.live) return;
    const { onError } = this.#context;
    sendError(this.#conn, why, (wire) => new OutgoingMessage(["end", name, wire]), onError);
  }

  #end(name: string, mark: Mark, why: HubError): void {
    const { topics, registry } = this.#context;
    this.#active.delete(name);
    mark.wait?.giveUp(why);
    mark.asking?.abort(why);
    registry.leave(topics.find(name, this.#conn.role).channel, this.#conn);
  }

  /** Ends everything: the connection is gone. */
  close(): void {
    const marks = this.#active.entries();
    this.#active.clear();
    let gone: HubError | undefined; // made only if it is needed: an error costs more than the rest
    for (const [, { wait, asking }] of marks) {
      if (!wait && !asking) continue;
      gone ??= new HubError("DISCONNECTED", "The client is gone");
      wait?.giveUp(gone);
      asking?.end(gone);
    }
  }

  /** A history is long and a subscribe is short. So limit how many messages a client gets again. */
  #checkRecovery(): RateLimiter {
    const { limits: { messagesPerSecond, recoveryBurst: messageBurst }, options: { clock } } = this.#context;
    const recovery = this.#recovery ??= new RateLimiter(clock, { messagesPerSecond, messageBurst });
    recovery.refill(1);
    if (recovery.hasRoom) return recovery;
    throw new HubError(
      "RATE_LIMITED",
      `Cannot send more than ${messageBurst} messages of histories at once: try again later`,
    );
  }

  /** Joins the topic. Answers the client at the moment from which it gets live messages. */
  #join(id: number, topic: Topic, start: SubOptions | undefined, mark: Mark): Promise<void> | undefined {
    const conn = this.#conn;
    const { topics: { histories }, historyReads: reads, registry, options: { clock }, onError } =
      this.#context;
    const answer = (subscribed?: Subscribed) => {
      mark.live = true;
      const text = subscribed ? undefined : `["res",${id}]`;
      conn.outbox.pushOwn(new OutgoingMessage(["res", id, subscribed], undefined, text));
    };
    const kept = withHistory(topic);
    if (!kept) return registry.enter(topic.channel, conn, answer);
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
  throw new HubError(
    "NOT_FOUND",
    `Cannot read earlier messages of "${topic.name}": the contract declares no history for it`,
  );
}

/** The part of the options that is needed. The hub keeps only this part while the client waits. */
export function startOf({ since, last, withinMs, again }: SubOptions = {}): SubOptions {
  const [epoch, offset] = since ?? [];
  return {
    since: since && [epoch!.length > MAX_EPOCH_LENGTH ? NO_EPOCH : epoch!, offset!],
    last,
    withinMs,
    again,
  };
}

/** Where the client begins, if it gave a start. */
function beginning(topic: Topic, start: SubOptions = {}): SubOptions | undefined {
  const { since, last, withinMs } = start;
  const given = [since, last, withinMs].filter((value) => value !== undefined).length;
  if (given === 0) return undefined;
  if (given > 1) throw new HubError("BAD_REQUEST", "Give one of since, last and withinMs: not several");
  if (!since) keptOf(topic);
  return start;
}
