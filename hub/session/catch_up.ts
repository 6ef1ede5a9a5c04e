/**
 * Brings a client that comes back to a topic with history up to date. It sends the missed messages page by page, as
 * fast as the client reads, and then lets it get live messages. It keeps only one page in memory.
 *
 * @module
 */

import type { StoredPage, StoredRecord } from "../../adapters/history_store.ts";
import { type Clock, HubError, type Position, type SubOptions, type Subscribed } from "../../contract/mod.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { Histories, HistoryTopic } from "../topics/histories.ts";
import { rewound } from "../topics/rewind.ts";
import { hadUpTo } from "../topics/stream/heard_so_far.ts";
import type { Gate } from "./gate.ts";
import { FIRST_PAGE, PAGE_LENGTH, pageSize } from "./history_page.ts";
import type { Permits } from "./permits.ts";

/** How often in a row a store may show fewer messages than this node has delivered, or another epoch. */
const MAX_STALE = 5;
/**
 * The pause after the first such answer, in milliseconds. The pause doubles each time: a busy node needs a moment to learn
 * a new epoch.
 */
const STALE_PAUSE_MS = 50;

/**
 * The cost of asking for a topic's position, as a part of the cost of reading a page: the answer is only a number.
 */
const FOLLOW_COST = 1 / 8;

/** Options of {@linkcode catchUp}. */
export interface CatchUpOptions {
  /** The topic. */
  readonly topic: HistoryTopic;
  /** Where the client begins; absent when it begins with new messages. */
  readonly start: SubOptions | undefined;
  /** The histories. */
  readonly histories: Histories;
  /** The outbox of the client. */
  readonly outbox: Outbox;
  /** Limits how many histories this connection reads at the same time. */
  readonly permits: Permits;
  /** Limits how many histories this node reads at the same time. */
  readonly reads: Gate;
  /** The clock. */
  readonly clock: Clock;
  /** Counts the sent records for the client's limit. */
  charge(records: number): void;
  /** Whether the client has left in the meantime. */
  isOver(): boolean;
  /** Called when the node follows the topic: no later message is missed. */
  followed?(): void;
  /**
   * Tells the client the position at which it begins. The client needs this when it gave no position. With `again` it
   * also needs this, because messages of an earlier subscription may still arrive.
   */
  begin(position: Position): void;
  /** The message for this client; without it, every message as it is. */
  shown?(message: OutgoingMessage): OutgoingMessage;
  /** Answers the client and lets it in, in one step. */
  finish(subscribed: Subscribed): void;
  /** Reports an error that no caller receives. */
  onError(error: unknown): void;
}

/**
 * Sends the missed messages, then finishes; in the same turn when there is nothing to wait for.
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
  // It must finish in the moment when the client has everything. So there is no `await` in between.
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
        reads.leave(); // sending may be slow: it waits for the client
      }
      const page = isOver() || progress.begun ? read : begin(options, progress, read);
      const sending = isOver() ? undefined : sendPage(options, progress, page);
      if (sending instanceof Promise) await sending;
      goesOn = !isOver() && !judge(options, progress, page);
    } finally {
      permits.give();
    }
    if (goesOn && progress.stale > 0) await pause(options.clock, progress.stale);
  }
}

/** The progress of a client. */
interface Progress {
  /** The last position that the client has in full; absent while its start is not known. */
  cursor: Position | undefined;
  /** How many records the next page may have. */
  limit: number;
  /** How many reads in a row have shown fewer messages than this node has delivered. */
  stale: number;
  /** Whether the client knows its start. */
  begun: boolean;
  /** Whether a record could not be sent: then the recovery is not complete. */
  broken?: boolean;
}

function live({ topic, histories }: CatchUpOptions): Position {
  const position = histories.position(topic);
  if (position) return position;
  throw new HubError(
    "UNAVAILABLE",
    `Cannot subscribe to "${topic.name}" now: its history was forgotten meanwhile. Subscribe again`,
  );
}

/** Finishes if the client has everything that this node has delivered. */
function finishIfLevel(options: CatchUpOptions, { cursor }: Progress): boolean {
  const [epoch, offset] = live(options);
  if (!cursor || cursor[0] !== epoch || cursor[1] !== offset) return false;
  options.finish({ position: cursor, recovered: true });
  return true;
}

/** Begins at the first page. If requested messages are no longer kept, they do not count as missing. */
function begin(options: CatchUpOptions, progress: Progress, page: StoredPage): StoredPage {
  const { position: [epoch, last], complete, records } = page;
  if (!complete) progress.cursor = [epoch, (records[0]?.offset ?? last + 1) - 1];
  progress.begun = true;
  options.begin(progress.cursor!);
  return { ...page, complete: true };
}

/** Decides after a page: finishes when the client has everything, or when messages are missing. */
function judge(options: CatchUpOptions, progress: Progress, page: StoredPage): boolean {
  const position = live(options);
  const { broken } = progress;
  const cursor = progress.cursor!;
  if (!page.complete && page.position[0] !== position[0] && progress.stale < MAX_STALE) {
    // This node will soon learn the new epoch. The client may already have the messages that it then delivers.
    progress.stale++;
    return false;
  }
  if (!page.complete || broken || progress.stale > MAX_STALE) {
    options.finish({ position: goesOnAt(cursor, position, page), recovered: false });
    return true;
  }
  if (cursor[0] !== position[0] || cursor[1] < position[1]) {
    progress.stale = page.records.length === 0 ? progress.stale + 1 : 0;
    return false;
  }
  // The store has shown more than this node has delivered. The client skips the messages that it has.
  options.finish({ position: cursor, recovered: true });
  return true;
}

/**
 * From where a client goes on if it has missed messages. A node that was cut off is behind the store, and perhaps behind
 * the client. The client must not get again what it has.
 */
function goesOnAt(cursor: Position, node: Position, page: StoredPage): Position {
  const { position: [epoch], complete } = page;
  const had = epoch !== node[0] ? 0 : complete ? cursor[1] : hadUpTo(cursor, page);
  return had > node[1] ? [node[0], had] : node;
}

/** Sends a page as fast as the client reads. Ends in the same turn when the link has room. */
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
        `Cannot recover "${topic.name}": its history has offset ${offset} after ${last}`,
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

function pause(clock: Clock, stale: number): Promise<void> {
  return new Promise((resolve) => void clock.after(STALE_PAUSE_MS * 2 ** (stale - 1), resolve));
}
