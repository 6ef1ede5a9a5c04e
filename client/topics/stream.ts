/**
 * One topic on the wire.
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
import { readHistory, readPage } from "./history.ts";
import type { Settings } from "../options.ts";
import type { Requests } from "../requests.ts";
import { Retries } from "../retries.ts";
import { Renewals } from "./renewals.ts";
import { replay, type Replayed } from "./replay.ts";
import type { StreamOwner, TopicListener } from "./subscription.ts";
import type { HistoryQuery, TopicHistoryPage, TopicMeta } from "../api/mod.ts";

/** Errors that say "not now": a subscription that was live once tries again. */
export const TRANSIENT: ReadonlySet<string> = new Set(["TIMEOUT", "UNAVAILABLE", "RATE_LIMITED", "INTERNAL"]);

/** What the streams of a client share. */
export interface StreamParts {
  /** The client's. */
  readonly settings: Settings;
  /** The questions of the present link. */
  readonly calls: PendingCalls;
  /** Asks for pages of histories. */
  readonly requests: Requests;
  /** The connection, while it is open. */
  readonly open: () => Connection | undefined;
}

/** One topic's subscription on the wire, and those who share it. */
export class Stream implements StreamOwner {
  /** Its name. */
  readonly topic: string;
  readonly #schema: Schema;
  readonly #parts: StreamParts;
  readonly #forget: () => void;
  readonly #members = new Set<TopicListener>();
  readonly #retries: Retries;
  /** The subscribe that has no answer yet. */
  #asked: number | undefined;
  #waitsSince = 0;
  #live = false;
  #established = false;
  #over = false;
  /** Where it begins, while there is no position. */
  #start: Start | undefined;
  /** The last message seen, where the topic keeps history. */
  #position: Position | undefined;
  /** Whether what arrives is left over from an earlier subscribe. */
  #deaf = false;
  /** Whether a message before that was skipped, and the listeners have not been told yet. */
  #incomplete = false;
  readonly #renewals: Renewals;
  /** Those who are sent what the others have had already. */
  readonly #replayed = new Set<TopicListener>();
  readonly #replays: Replayed = {
    position: (member) => this.#live && this.#members.has(member) ? this.#position : undefined,
    read: (ask) => this.#read(ask),
    hand: (member, epoch, offset, payload) => {
      const parsed = this.#parse(payload);
      const meta = { topic: this.topic, offset, epoch, recovered: true };
      if (parsed) this.#deliver(parsed, meta, member);
      return parsed !== undefined;
    },
  };

  /**
   * @param first Who needs it: it begins where they want to.
   * @param schema What checks its messages.
   * @param parts What streams share.
   * @param forget Called when it ends.
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

  /** What a subscribe asks for where nothing of the topic is on its way. */
  get begin(): Start | undefined {
    return this.#position ? { since: this.#position } : this.#start;
  }

  /**
   * Subscribes.
   *
   * @param fresh Whether nothing of the topic is on its way, as on a link that is new.
   * @param early The id under which the hello has asked for it.
   * @param isSaid Whether the server does what the hello has asked for.
   */
  ask(fresh = false, early?: number, isSaid = false): void {
    if (this.#over) return; // ended by whoever heard of the failure of another
    const { calls, settings, open } = this.#parts;
    const topic = this.topic;
    const id = this.#asked = calls.ask(
      topic,
      { timeoutMs: settings.requestTimeoutMs },
      // The server may be about to answer: whatever it says, this subscribe is over.
      () => this.#send(["unsub", topic]),
      (output) => this.#accepted(output),
      (error) => this.#refused(error as HubError),
      early,
    );
    this.#waitsSince = settings.clock.now();
    const link = open();
    const { begin } = this;
    const again = this.#deaf = !fresh && !!this.#position && !!link?.welcome?.history;
    const start = again ? { ...begin, again } : begin;
    if (isSaid && early !== undefined) return;
    try {
      link?.push(start ? ["sub", id, topic, start] : ["sub", id, topic]);
    } catch (error) {
      calls.reject(id, error as HubError);
    }
  }

  /** The link is gone; the position stays. */
  lost(): void {
    this.#pause();
    this.#renewals.reset();
  }

  /** The server ended the subscription. */
  ended(error: WireError): void {
    // While a subscribe is on its way this is about the one before it; the answer tells.
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

  /** One arrived that cannot be read: the stream goes on without it, and is not complete. */
  skipped(offset: number): void {
    if (this.#advance(offset)) this.#miss();
  }

  /** The server says where the messages begin that a subscribe has asked for. */
  begins(id: number, position: Position): void {
    if (id !== this.#asked) return;
    this.#deaf = false;
    this.#move(position);
  }

  /** The server may have missed messages; the stream goes on at a position. */
  missed(position: Position): void {
    // While a subscribe is on its way its answer tells all.
    if (!this.#live) return;
    this.#move(position);
    this.#tell(false);
  }

  /** Ends it for all. */
  end(error: HubError): void {
    this.#finish();
    const members = [...this.#members];
    this.#members.clear();
    for (const member of members) member.fail(error);
  }

  leave(member: TopicListener): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    const known = this.#live || this.#asked !== undefined;
    this.#finish();
    if (known) this.#send(["unsub", this.topic]);
  }

  history(query: HistoryQuery): Promise<TopicHistoryPage> {
    return readPage(query, (ask) => this.#read(ask), this.#schema, this.topic);
  }

  #read(ask: HistoryAsk): Promise<HistoryAnswer> {
    return readHistory(this.#parts.requests, this.topic, ask);
  }

  /** Goes on to a message; tells whether it is the next one. */
  #advance(offset: number): boolean {
    // Without a position it is left over from a subscription that has been given up.
    if (!this.#position || this.#deaf) return false;
    const [epoch, last] = this.#position;
    // What lies between was lost on the way: nothing is delivered until the server has sent it again.
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

  /** Listeners do without a message of a topic with history: they are told now, or when the stream is back. */
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
    if (this.#renewals.none) this.#retries.reset(); // otherwise it has to last first
    const told = [...this.#members].filter((member) =>
      member.after !== Infinity && (member.established || member.start)
    );
    for (const member of [...this.#members]) {
      if (member.after === Infinity) this.#join(member);
      else member.live();
    }
    this.#tell(recovered, told);
  }

  /** Recovered is only what has arrived whole: by now everything up to the answer's position has been seen. */
  #resume(output: unknown): boolean {
    const answer = asSubscribed(output);
    const [epoch, offset] = this.#position ?? [];
    const missed = this.#incomplete;
    this.#incomplete = false;
    if (answer?.recovered && epoch === answer.position[0] && offset === answer.position[1]) return !missed;
    this.#move(answer?.position);
    return false;
  }

  /** Lets a listener into the live stream, which may have to be sent first what the others have had. */
  #join(member: TopicListener): void {
    if (member.start) return void this.#replay(member);
    member.after = 0;
    member.live();
  }

  /** Hands a listener alone what it wants of the history, then lets it in. Never rejects. */
  async #replay(member: TopicListener): Promise<void> {
    if (this.#replayed.has(member)) return;
    this.#replayed.add(member);
    let [after, recovered] = [0, false];
    try {
      const done = await replay(member, this.#replays);
      if (!done) return; // it goes on when the stream is live again
      [after, recovered] = done;
    } catch (error) {
      if (!this.#live || !this.#members.has(member)) return;
      this.#report(error, "subscribe");
    } finally {
      this.#replayed.delete(member);
    }
    member.after = after;
    member.live();
    this.#tell(recovered, [member]);
  }

  #refused(error: HubError): void {
    this.#asked = undefined;
    if (!this.#established || !TRANSIENT.has(error.code)) return this.#refuse(error);
    this.#retries.later(error);
    this.#report(error, "subscribe"); // last: whoever hears of it may end the subscription
  }

  #rest(): void {
    this.#parts.calls.forget(this.#asked);
    this.#asked = undefined;
    this.#retries.stop?.();
    this.#live = false;
  }

  /** A long history comes page by page: while it does the server is at work, and the wait for its answer begins anew. */
  #waitOn(id: number): void {
    const { clock, requestTimeoutMs } = this.#parts.settings;
    const now = clock.now();
    if (now - this.#waitsSince < requestTimeoutMs / 4) return; // a timer for every message would cost more than it
    this.#waitsSince = now;
    this.#parts.calls.extend(id);
  }

  /** At once, but not again and again: a server that keeps leaving out messages is not asked as fast as it answers. */
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
    if (time > 2) return; // told already
    const text = `Messages of "${name}" are missing again and again: waits grow`;
    reportRepeated(new HubError("UNAVAILABLE", text), { stage: "topic", name });
  }

  #pause(): void {
    this.#rest();
    for (const member of this.#members) member.pend();
  }

  /** Ends it by the server's word; where nobody waits for it somebody has to hear of it. */
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

  /** Tells listeners how their stream came back, unless one before them has ended their subscription. */
  #tell(recovered: boolean, listeners: readonly TopicListener[] = [...this.#members]): void {
    for (const member of listeners) {
      if (!this.#members.has(member)) continue;
      callSafely(
        () => member.onRecovery?.({ topic: member.topic, recovered }),
        (error) => this.#report(error, "topic"),
      );
    }
  }

  /** A payload, parsed, in a list of its own; `undefined` where it does not fit. */
  #parse(payload: unknown): [unknown] | undefined {
    try {
      return [parseNow(this.#schema, payload, "payload of", this.topic)];
    } catch (error) {
      this.#parts.settings.reportRepeated(error, { stage: "topic", name: this.topic });
      return undefined;
    }
  }

  /** Delivers to all, or to one who hears nothing else at present. */
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
