/**
 * The subscription to one topic on the wire.
 *
 * @module
 */

import {
  asSubscribed,
  callEach,
  callSafely,
  fromWireError,
  type HistoryAnswer,
  type HistoryAsk,
  HubError,
  parseNow,
  type PendingCalls,
  type Position,
  type Schema,
  type Start,
  type WireError,
} from "../../contract/mod.ts";
import type { Connection } from "../connection.ts";
import { isBefore } from "./is_before.ts";
import { readHistory, readPage } from "./history.ts";
import type { Settings } from "../options.ts";
import type { Requests } from "../requests.ts";
import { Retries } from "../retries.ts";
import { Renewals } from "./renewals.ts";
import { replay, type Replayed } from "./replay.ts";
import type { StreamOwner, TopicListener } from "./subscription.ts";
import type { HistoryQuery, TopicHistoryPage, TopicMeta } from "../api/mod.ts";

/** Codes of temporary errors: a subscription that was live before retries after them. */
export const TRANSIENT: ReadonlySet<string> = new Set(["TIMEOUT", "UNAVAILABLE", "RATE_LIMITED", "INTERNAL"]);

/** The parts that all streams of a client share. */
export interface StreamParts {
  /** The settings of the client. */
  readonly settings: Settings;
  /** The requests on the current link that wait for an answer. */
  readonly calls: PendingCalls;
  /** Reads pages of histories. */
  readonly requests: Requests;
  /** The connection, while it is open. */
  readonly open: () => Connection | undefined;
}

/** One topic's subscription on the wire, and the listeners that share it. */
export class Stream implements StreamOwner {
  /** The topic's name. */
  readonly topic: string;
  readonly #schema: Schema;
  readonly #parts: StreamParts;
  readonly #forget: () => void;
  readonly #members = new Set<TopicListener>();
  readonly #retries: Retries;
  /** The id of the subscribe that has no answer yet. */
  #asked: number | undefined;
  #waitsSince = 0;
  #live = false;
  #established = false;
  #over = false;
  /** Where the stream begins, while there is no position. */
  #start: Start | undefined;
  /** The last message seen, if the topic keeps history. */
  #position: Position | undefined;
  /** Whether arriving messages belong to an earlier subscribe, and are ignored. */
  #deaf = false;
  /** Whether a message up to the position was skipped, and the listeners do not know it yet. */
  #incomplete = false;
  readonly #renewals: Renewals;
  /** The listeners that are reading earlier messages. */
  readonly #replayed = new Set<TopicListener>();
  readonly #replays: Replayed = {
    position: (member) => this.#live && this.#members.has(member) ? this.#position : undefined,
    end: (member, after, recovered) => {
      this.#replayed.delete(member);
      if (after === undefined) return;
      member.after = after;
      member.live();
      this.#tell(recovered!, [member]);
    },
    read: (ask) => this.#read(ask),
    hand: (member, epoch, offset, payload) => {
      const parsed = this.#parse(payload);
      const meta = { topic: this.topic, offset, epoch, recovered: true };
      if (parsed) this.#deliver(parsed, meta, member);
      return !!parsed;
    },
  };

  /**
   * @param first The first listener. The stream begins where it wants to.
   * @param schema The schema that checks the messages.
   * @param parts The parts that all streams share.
   * @param forget Called when the stream ends.
   */
  constructor(first: TopicListener, schema: Schema, parts: StreamParts, forget: () => void) {
    this.topic = first.topic;
    this.#schema = schema;
    this.#parts = parts;
    this.#forget = forget;
    this.#retries = new Retries(parts.settings, () => this.ask());
    this.#renewals = new Renewals(parts.settings.clock);
    this.#start = first.start;
    this.#position = first.start?.since;
    first.after = 0;
    this.#members.add(first);
  }

  /** Adds another listener. */
  add(member: TopicListener): void {
    this.#members.add(member);
    if (this.#live) this.#join(member);
  }

  /** The start to ask for, if no message of the topic is on its way. */
  get begin(): Start | undefined {
    return this.#position ? { since: this.#position } : this.#start;
  }

  /**
   * Subscribes.
   *
   * @param fresh Whether no message of the topic can be on its way, as on a new link.
   * @param reserved The id that the hello used for this topic, and whether the server has taken it from there.
   */
  ask(fresh = false, reserved?: { readonly id: number; readonly isTaken: boolean }): void {
    if (this.#over) return; // a listener ended it when another subscribe failed
    const { calls, settings, open } = this.#parts;
    const topic = this.topic;
    const id = this.#asked = calls.ask(
      topic,
      { timeoutMs: settings.requestTimeoutMs },
      // The server may still accept it, but this subscribe is over.
      () => this.#send(["unsub", topic]),
      (output) => this.#accepted(output),
      (error) => this.#refused(error as HubError),
      reserved?.id,
    );
    this.#waitsSince = settings.clock.now();
    const link = open();
    const { begin } = this;
    const again = this.#deaf = !fresh && !!this.#position && !!link?.welcome?.history;
    const start = again ? { ...begin, again } : begin;
    if (reserved?.isTaken) return;
    try {
      link?.push(start ? ["sub", id, topic, start] : ["sub", id, topic]);
    } catch (error) {
      calls.reject(id, error as HubError);
    }
  }

  /** The link is lost. The position stays. */
  lost(): void {
    this.#pause();
    this.#renewals.reset();
  }

  /** The server ended the subscription. */
  ended(error: WireError): void {
    // While a subscribe has no answer, this is about the subscribe before it.
    if (this.#live) this.#refuse(fromWireError(error));
  }

  /** A message of a topic without history arrived. */
  published(payload: unknown): void {
    const parsed = this.#parse(payload);
    const meta = { topic: this.topic, offset: undefined, epoch: undefined, recovered: false };
    if (parsed) this.#deliver(parsed, meta);
  }

  /** A message of a topic with history arrived. */
  recorded(offset: number, payload: unknown): void {
    if (!this.#advance(offset)) return;
    const parsed = this.#parse(payload);
    if (!parsed) return this.#miss();
    const [epoch] = this.#position!;
    this.#deliver(parsed, { topic: this.topic, offset, epoch, recovered: !this.#live });
  }

  /** A message arrived that cannot be read. The stream goes on without it, and counts as incomplete. */
  skipped(offset: number): void {
    if (this.#advance(offset)) this.#miss();
  }

  /** The server sent the position where the messages of a subscribe begin. */
  begins(id: number, position: Position): void {
    if (id !== this.#asked) return;
    this.#deaf = false;
    this.#move(position);
  }

  /** The server may have missed messages. The stream goes on at this position. */
  missed(position: Position): void {
    // While a subscribe has no answer, that answer will tell everything.
    if (!this.#live || isBefore(position, this.#position)) return;
    this.#move(position);
    this.#tell(false);
  }

  /** Ends the stream for all listeners. */
  end(error: HubError): void {
    this.#finish();
    const members = [...this.#members];
    this.#members.clear();
    for (const member of members) member.fail(error);
  }

  leave(member: TopicListener): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    const known = this.#live || this.#asked;
    this.#finish();
    if (known) this.#send(["unsub", this.topic]);
  }

  history(query: HistoryQuery): Promise<TopicHistoryPage> {
    return readPage(query, (ask) => this.#read(ask), this.#schema, this.topic);
  }

  #read(ask: HistoryAsk): Promise<HistoryAnswer> {
    return readHistory(this.#parts.requests, this.topic, ask);
  }

  /** Moves on to a message. Returns whether it is the next one. */
  #advance(offset: number): boolean {
    // Without a position, the message belongs to a subscription that was cancelled.
    if (!this.#position || this.#deaf) return false;
    const [epoch, last] = this.#position;
    // The messages between were lost. Nothing is delivered until the server has sent them again.
    if (offset > last + 1 && this.#live) this.#resync();
    if (offset !== last + 1) return false;
    this.#position = [epoch, offset];
    if (this.#asked !== undefined) this.#waitOn(this.#asked);
    return true;
  }

  #move(position: Position | undefined): void {
    if (position?.[0] !== this.#position?.[0]) {
      for (const member of this.#members) if (member.after < Infinity) member.after = 0;
    }
    this.#position = position;
  }

  /** A message of a topic with history is missing. The listeners are told now, or when the stream is live again. */
  #miss(): void {
    if (this.#live) this.#tell(false);
    else this.#incomplete = true;
  }

  #accepted(output: unknown): void {
    this.#asked = this.#start = undefined;
    this.#deaf = false;
    const recovered = this.#resume(output);
    this.#live = this.#established = true;
    this.#renewals.live();
    if (this.#renewals.none) this.#retries.reset(); // otherwise the stream has to stay live for a while first
    const told = [...this.#members].filter((member) =>
      member.after !== Infinity && (member.established || member.start)
    );
    for (const member of [...this.#members]) {
      if (member.after === Infinity) this.#join(member);
      else member.live();
    }
    this.#tell(recovered, told);
  }

  /** Returns whether the stream is complete: every message up to the position in the answer was seen. */
  #resume(output: unknown): boolean {
    const answer = asSubscribed(output);
    const [epoch, offset] = this.#position ?? [];
    const missed = this.#incomplete;
    this.#incomplete = false;
    if (answer?.recovered && epoch === answer.position[0] && offset === answer.position[1]) return !missed;
    this.#move(answer?.position);
    return false;
  }

  /** Adds a listener to the live stream. It may have to get earlier messages first. */
  #join(member: TopicListener): void {
    if (member.start) return this.#replay(member);
    member.after = 0;
    member.live();
  }

  /** Gives one listener the earlier messages that it wants, then adds it to the live stream. */
  #replay(member: TopicListener): void {
    if (this.#replayed.has(member)) return;
    this.#replayed.add(member);
    replay(member, this.#replays).catch((error) => {
      if (!this.#replays.position(member)) return this.#replays.end(member);
      this.#report(error, "subscribe");
      this.#replays.end(member, 0, false);
    });
  }

  #refused(error: HubError): void {
    this.#asked = undefined;
    if (!this.#established || !TRANSIENT.has(error.code)) return this.#refuse(error);
    this.#retries.later(error);
    this.#report(error, "subscribe"); // last, because a listener may end the subscription
  }

  #rest(): void {
    this.#parts.calls.forget(this.#asked);
    this.#asked = undefined;
    this.#retries.stop?.();
    this.#live = false;
  }

  /** Starts the timeout of an answer again: a long history comes page by page, and the server is at work. */
  #waitOn(id: number): void {
    const { clock, requestTimeoutMs } = this.#parts.settings;
    const now = clock.now();
    if (now - this.#waitsSince < requestTimeoutMs / 4) return; // a new timer for each message costs too much
    this.#waitsSince = now;
    this.#parts.calls.extend(id);
  }

  /** Subscribes again: at once the first time, later after waits, if the server keeps leaving out messages. */
  #resync(): void {
    const { settings: { reportRepeated } } = this.#parts;
    const name = this.topic;
    this.#pause();
    this.#deaf = true;
    this.#send(["unsub", name]);
    const time = this.#renewals.next();
    if (time === 1) {
      this.#retries.reset();
      return this.ask();
    }
    this.#retries.later();
    if (time > 2) return; // already reported
    const text = `Messages of "${name}" are lost again and again: retries get slower`;
    reportRepeated(new HubError("UNAVAILABLE", text), { stage: "topic", name });
  }

  #pause(): void {
    this.#rest();
    for (const member of this.#members) member.pend();
  }

  /** The server refused or ended the subscription. If no caller will see that, it is reported. */
  #refuse(error: HubError): void {
    const unheard = this.#established || [...this.#members].some((member) => !member.watched);
    this.end(error);
    if (unheard) this.#report(error, "subscribe");
  }

  #finish(): void {
    this.#over = true;
    this.#forget();
    this.#rest();
  }

  #send(message: readonly unknown[]): void {
    this.#parts.open()?.push(message);
  }

  /** Tells listeners whether messages are missing. A listener that an earlier one unsubscribed is not called. */
  #tell(recovered: boolean, listeners: readonly TopicListener[] = [...this.#members]): void {
    for (const member of listeners) {
      if (!this.#members.has(member)) continue;
      callSafely(
        () => member.onRecovery?.({ topic: member.topic, recovered }),
        (error) => this.#report(error, "topic"),
      );
    }
  }

  /** A parsed payload, wrapped in a list; `undefined` if it does not fit. */
  #parse(payload: unknown): [unknown] | undefined {
    try {
      return [parseNow(this.#schema, payload, "payload of", this.topic)];
    } catch (error) {
      this.#parts.settings.reportRepeated(error, { stage: "topic", name: this.topic });
      return undefined;
    }
  }

  /** Delivers a message to all listeners, or only to one that is reading earlier messages. */
  #deliver([parsed]: [unknown], meta: TopicMeta, only?: TopicListener): void {
    callEach(
      this.#members,
      (member) => (only ? member === only : !(meta.offset! <= member.after)) && member.listener(parsed, meta),
      (error) => this.#report(error, "topic"),
    );
  }

  #report(error: unknown, stage: "topic" | "subscribe"): void {
    this.#parts.settings.report(error, { stage, name: this.topic });
  }
}
