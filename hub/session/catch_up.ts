/**
 * A client comes back to a topic with history: it is sent what it missed, page by page as it reads, and then what is
 * live. Nothing waits for it in memory but one page.
 *
 * @module
 */

import type { StoredPage, StoredRecord } from "../../adapters/history_store.ts";
import { type Clock, HubError, type Position, type SubOptions, type Subscribed } from "../../contract/mod.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { Histories, HistoryTopic } from "../topics/histories.ts";
import { rewound } from "../topics/rewind.ts";
import type { Gate } from "./gate.ts";
import { FIRST_PAGE, PAGE_LENGTH, pageSize } from "./history_page.ts";
import type { Permits } from "./permits.ts";

/** How often in a row a store may show less than was delivered already, and the pause after it, in milliseconds. */
const MAX_STALE = 5;
const STALE_PAUSE_MS = 50;

/** What asking where a topic stands counts beside a page of it: nothing is read but a number. */
const FOLLOW_COST = 1 / 8;

/** What {@linkcode catchUp} needs. */
export interface CatchUpOptions {
  /** The topic. */
  readonly topic: HistoryTopic;
  /** From where on the client wants messages; absent when it begins with what is new. */
  readonly start: SubOptions | undefined;
  /** Where the messages are. */
  readonly histories: Histories;
  /** What the client is sent. */
  readonly outbox: Outbox;
  /** How many topics of this connection may be read at the same time. */
  readonly permits: Permits;
  /** How many are read at the same time on this node, for whomever. */
  readonly reads: Gate;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Counts records that are sent. */
  charge(records: number): void;
  /** Whether the client has left meanwhile. */
  isOver(): boolean;
  /** The topic is followed: nothing is missed from here on. */
  followed?(): void;
  /** Tells a client which position it begins at: one that did not name it, or that has to tell this subscribe from another. */
  begin(position: Position): void;
  /** What the client is sent of a message; the message itself where this is absent. */
  shown?(message: OutgoingMessage): OutgoingMessage;
  /** Answers the client and lets it in, in one step. */
  finish(subscribed: Subscribed): void;
  /** Reports an error that no caller receives. */
  onError(error: unknown): void;
}

/**
 * Sends what was missed, then finishes: in the same turn where nothing has to be waited for.
 *
 * @returns Rejects when the store does not answer.
 */
export async function catchUp(options: CatchUpOptions): Promise<void> {
  const { topic, start, histories, permits, reads, isOver, finish } = options;
  const first = histories.position(topic) ? undefined : reads;
  const mayFollow = first?.take(FOLLOW_COST);
  try {
    if (mayFollow) await mayFollow;
    if (isOver()) return;
    const following = histories.follow(topic);
    if (following instanceof Promise) await following;
  } finally {
    first?.leave();
  }
  options.followed?.();
  if (isOver()) return;
  const progress: Progress = { cursor: start?.since, limit: FIRST_PAGE, stale: 0, begun: !!start?.since };
  if (!start) return finish({ position: live(options), recovered: false });
  if (progress.cursor && start.again) options.begin(progress.cursor);
  // Whoever finishes does it in the moment in which it has caught up: nothing may be awaited between.
  for (let goesOn = !finishIfLevel(options, progress); goesOn;) {
    const permit = permits.take();
    try {
      if (permit) await permit;
      if (isOver()) return;
      const mayRead = reads.take();
      if (mayRead) await mayRead;
      let read: StoredPage;
      try {
        if (isOver()) return;
        progress.cursor ??= await rewound(histories, topic, start);
        const { cursor: since, limit } = progress;
        const answer = histories.resume(topic, { since, limit });
        read = answer instanceof Promise ? await answer : answer;
      } finally {
        reads.leave(); // sending takes as long as the client reads
      }
      const page = isOver() || progress.begun ? read : begin(options, progress, read);
      const sending = isOver() ? undefined : sendPage(options, progress, page);
      if (sending instanceof Promise) await sending;
      goesOn = !isOver() && !judge(options, progress, page);
    } finally {
      permits.give();
    }
    if (goesOn && progress.stale > 0) await pause(options.clock);
  }
}

/** How far a client has got. */
interface Progress {
  /** Up to where it has been sent everything; absent while nobody knows where it begins. */
  cursor: Position | undefined;
  /** How many records the next page may have. */
  limit: number;
  /** How many reads in a row have shown less than was delivered already. */
  stale: number;
  /** Whether the client knows where it begins. */
  begun: boolean;
  /** A record could not be sent: from there on nothing is complete. */
  broken?: boolean;
}

function live({ topic, histories }: CatchUpOptions): Position {
  const position = histories.position(topic);
  if (position) return position;
  throw new HubError("UNAVAILABLE", `Cannot subscribe to "${topic.name}" now: its history is forgotten`);
}

/** Finishes when the client has everything that was delivered on this node. */
function finishIfLevel(options: CatchUpOptions, { cursor }: Progress): boolean {
  const [epoch, offset] = live(options);
  if (!cursor || cursor[0] !== epoch || cursor[1] !== offset) return false;
  options.finish({ position: cursor, recovered: true });
  return true;
}

/** Begins where the first page does: what was asked for and is kept no more by now is not missing. */
function begin(options: CatchUpOptions, progress: Progress, page: StoredPage): StoredPage {
  const { position: [epoch, last], complete, records } = page;
  if (!complete) progress.cursor = [epoch, (records[0]?.offset ?? last + 1) - 1];
  progress.begun = true;
  options.begin(progress.cursor!);
  return { ...page, complete: true };
}

/** After a page: finishes when that was all, or when it cannot be completed. */
function judge(options: CatchUpOptions, progress: Progress, page: StoredPage): boolean {
  const position = live(options);
  const { broken } = progress;
  const cursor = progress.cursor!;
  if (!page.complete && page.position[0] !== position[0] && progress.stale < MAX_STALE) {
    // The node is about to know of another epoch: what it delivers in it the client may have, from before.
    progress.stale++;
    return false;
  }
  if (!page.complete || broken || progress.stale > MAX_STALE) {
    options.finish({ position, recovered: false });
    return true;
  }
  if (cursor[0] !== position[0] || cursor[1] < position[1]) {
    progress.stale = page.records.length === 0 ? progress.stale + 1 : 0;
    return false;
  }
  // Beyond what was delivered here, the store has shown more already: the client skips what it has.
  options.finish({ position: cursor, recovered: true });
  return true;
}

/** Sends a page as fast as the client reads. Answers at once where its link has room. */
function sendPage(options: CatchUpOptions, progress: Progress, page: StoredPage): void | Promise<void> {
  if (!page.complete) return;
  const { records } = page;
  options.charge(records.length);
  const more = records.length === progress.limit;
  progress.limit = pageSize(page);
  return sendFrom(0);

  function sendFrom(start: number): void | Promise<void> {
    const { outbox, isOver } = options;
    let sent = 0;
    for (let i = start; i < records.length; i++) {
      if (outbox.congested) {
        return outbox.room().then(() => isOver() ? undefined : sendFrom(i));
      }
      if (!sendRecord(options, progress, records[i]!)) return;
      sent += records[i]!.data.length;
      if (sent >= PAGE_LENGTH || (more && i === records.length - 1)) {
        outbox.flush();
        sent = 0;
      }
    }
  }
}

function sendRecord(options: CatchUpOptions, progress: Progress, record: StoredRecord): boolean {
  const { topic, histories, outbox } = options;
  const [epoch, last] = progress.cursor!;
  try {
    const { offset } = record;
    // A store that gives the same page again and again would keep this process busy for ever.
    if (offset !== last + 1) {
      throw new HubError(
        "INTERNAL",
        `Cannot recover "${topic.name}": its history has ${offset} after ${last}`,
      );
    }
    const message = histories.message(topic, record);
    outbox.push(options.shown?.(message) ?? message);
    progress.cursor = [epoch, offset];
    return true;
  } catch (error) {
    options.onError(error);
    progress.broken = true;
    return false;
  }
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(STALE_PAUSE_MS, resolve));
}
