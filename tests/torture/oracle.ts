/**
 * Knows every message and every position, and judges by them what publishers were told and what clients heard.
 *
 * @module
 */

import { sizeOf, type TopicName } from "./contract.ts";
import type { HeardBook } from "./heard_book.ts";
import type { Publication } from "./publisher.ts";
import { Tally } from "./tally.ts";
import type { Audit, Jump } from "./words.ts";

/** The data to judge. */
export interface Evidence {
  /** All messages, by number. */
  readonly publications: ReadonlyMap<number, Publication>;
  /** The delivered messages; confirmed ones and those in the histories are added. */
  readonly book: HeardBook;
  readonly jumps: readonly Jump[];
  /** The messages that each node read of each topic at the end. */
  readonly audits: readonly Audit[];
}

/** The judgement. */
export interface Verdict {
  readonly violations: readonly string[];
  /** Why listeners were told of a gap, and whether something was missing. */
  readonly gaps: Readonly<Record<string, number>>;
  /** Gaps that had not to be: what was missed was kept, under the same epoch. */
  readonly needless: readonly Jump[];
  /** Messages that are kept, by the word of a node. */
  readonly acknowledged: number;
  /** Messages that were certainly not kept, and not published again. */
  readonly refused: number;
  /** Messages that are kept in several epochs: what they say for themselves. */
  readonly inSeveralEpochs: number;
}

/** How far the clocks of two processes of one machine may be apart, with what lies between a moment and its writing down. */
const CLOCK_MS = 5;

/** A message that is kept, by the word of a node. */
interface Kept {
  readonly number: number;
  readonly sentAt: number;
  readonly epoch: string;
  readonly offset: number;
}

/** Judges. */
export function judge(evidence: Evidence): Verdict {
  const { publications, book, jumps, audits } = evidence;
  const violations: string[] = [];
  const kept = keptByTopic(publications.values());
  for (const [topic, messages] of kept) {
    for (const { number, epoch, offset } of messages) {
      const other = book.note(topic, epoch, offset, number);
      if (other === undefined) continue;
      violations.push(
        `${topic} has ${other} at ${epoch} ${offset}, which is said to be the place of ${number}`,
      );
    }
  }
  for (const audit of audits) violations.push(...judgeAudit(audit, book, kept.get(audit.topic) ?? []));
  violations.push(...judgeAgreement(audits), ...judgeIds(evidence), ...judgeOrder(publications.values()));
  const gaps = new Tally();
  const needless: Jump[] = [];
  const passed = new Set(jumps.map(({ topic, before, after }) => `${topic} ${before?.[0]} ${after?.[0]}`));
  for (const jump of jumps) {
    const messages = kept.get(jump.topic) ?? [];
    violations.push(...judgeJump(jump, messages, passed));
    if (jump.before) gaps.add(nameGap(jump, messages));
    if (isNeedless(jump, messages)) needless.push(jump);
  }
  let [refused, acknowledged] = [0, 0];
  for (const publication of publications.values()) {
    if (publication.refused) refused++;
    if (publication.acks.length > 0) acknowledged++;
  }
  return {
    violations,
    gaps: gaps.all,
    needless,
    acknowledged,
    refused,
    inSeveralEpochs: countInSeveralEpochs(book),
  };
}

/** The messages that are kept, in the order in which they were sent. */
function keptByTopic(publications: Iterable<Publication>): Map<TopicName, Kept[]> {
  const kept = new Map<TopicName, Kept[]>();
  for (const { number, topic, sentAt, acks } of publications) {
    const messages = kept.get(topic) ?? [];
    kept.set(topic, messages);
    for (const { epoch, offset } of acks) messages.push({ number, sentAt, epoch, offset });
  }
  return kept;
}

/** Within an epoch a message is kept once, as long as the first is there; what was refused for certain never is. */
function judgeIds({ publications, book }: Evidence): string[] {
  const violations: string[] = [];
  for (const { topic, epoch, from, numbers } of book.all()) {
    const places = new Map<number, number>();
    for (const [i, number] of numbers.entries()) {
      if (number === 0) continue;
      const offset = from + i;
      const first = places.get(number);
      places.set(number, offset);
      if (first !== undefined && offset - first <= sizeOf(topic)) {
        violations.push(`${topic} has ${number} twice, at ${epoch} ${first} and ${offset}`);
      }
      const publication = publications.get(number);
      if (publication?.topic !== topic) {
        violations.push(`${topic} has ${number} at ${epoch} ${offset}, which nobody has published there`);
      }
      if (publication?.refused) {
        violations.push(
          `${topic} has ${number} at ${epoch} ${offset}, of which was said that it is not kept`,
        );
      }
    }
  }
  return violations;
}

/** Messages of one node on a topic must be stored in the order of its orders, if each was ordered once. */
function judgeOrder(publications: Iterable<Publication>): string[] {
  const violations: string[] = [];
  const last = new Map<string, Kept>();
  for (const { number, topic, sentAt, life, attempts, acks } of publications) {
    if (attempts !== 1 || acks.length !== 1) continue;
    const [{ epoch, offset }] = acks as [Kept];
    const key = `${life} ${topic}`;
    const before = last.get(key);
    last.set(key, { number, sentAt, epoch, offset });
    if (before?.epoch !== epoch || before.offset < offset) continue;
    violations.push(
      `${topic} has ${number} at ${epoch} ${offset}, which the same node was told after ${before.number}, at ${before.offset}`,
    );
  }
  return violations;
}

/** At the end a history must have no holes, and all confirmed messages from its beginning on. */
function judgeAudit({ topic, epoch, last, from, numbers }: Audit, book: HeardBook, kept: readonly Kept[]) {
  const violations: string[] = [];
  if (numbers.length > 0 && from + numbers.length - 1 !== last) {
    violations.push(
      `the history of ${topic} has ${from} and ${numbers.length - 1} more, but ends at ${last}`,
    );
  }
  book.add({ topic, epoch, from, numbers }, (offset, heard, held) => {
    violations.push(`the history of ${topic} has ${held} at ${epoch} ${offset}, where ${heard} was`);
  });
  const beyond = kept.find((one) => one.epoch === epoch && one.offset > last);
  if (beyond) violations.push(`the history of ${topic} ends at ${epoch} ${last}, before ${beyond.offset}`);
  return violations;
}

/** All nodes read the same. */
function judgeAgreement(audits: readonly Audit[]): string[] {
  const first = new Map<TopicName, Audit>();
  return audits.flatMap((audit) => {
    const { topic, epoch, last } = audit;
    const other = first.get(topic) ?? audit;
    first.set(topic, other);
    if (other.epoch === epoch && other.last === last) return [];
    return [`two nodes read ${topic} differently: ${other.epoch} ${other.last}, and ${epoch} ${last}`];
  });
}

/**
 * What was published after a listener was told where it stands, it must hear.
 *
 * @param passed From which epochs of which topics listeners have come to which others.
 */
function judgeJump(
  { client, topic, before, after, toldAt }: Jump,
  kept: readonly Kept[],
  passed: ReadonlySet<string>,
): string[] {
  const missed = kept.find(({ sentAt, epoch, offset }) => {
    if (sentAt <= toldAt + CLOCK_MS) return false;
    if (before?.[0] === epoch && offset <= before[1]) return false;
    if (!after) return true;
    return after[0] === epoch ? offset < after[1] : passed.has(`${topic} ${epoch} ${after[0]}`);
  });
  if (!missed) return [];
  const [heard, next] = [before, after].map((position) => position?.join(" ") ?? "nothing");
  return [
    `client ${client} on ${topic} heard ${heard}, then ${next}, and not ${missed.number} at ${missed.epoch} ` +
    `${missed.offset}, which was published ${missed.sentAt - toldAt} ms after it was told where it stands`,
  ];
}

/** Why a listener was told of a gap, and whether something was missing. */
function nameGap({ topic, before, after }: Jump, kept: readonly Kept[]): string {
  const [epoch, offset] = before!;
  if (!after) return "at the end";
  if (after[0] === epoch) {
    return after[1] === offset + 1
      ? "same epoch, nothing missing"
      : `same epoch, gap on a ${topic.split("/")[0]} topic`;
  }
  const missing = kept.some((one) =>
    one.epoch === epoch && one.offset > offset || one.epoch === after[0] && one.offset < after[1]
  );
  return missing ? "new epoch, something missing" : "new epoch, nothing missing";
}

/**
 * Whether a listener was told of a gap that its history could have filled: by then so few messages had been published
 * after its last one that the history still had all of them.
 */
function isNeedless({ topic, before, after, toldAt }: Jump, kept: readonly Kept[]): boolean {
  if (before === undefined || before[0] !== after?.[0]) return false;
  const published = kept.filter(({ epoch, sentAt }) => epoch === before[0] && sentAt <= toldAt + CLOCK_MS);
  const newest = published.reduce((newest, { offset }) => Math.max(newest, offset), after[1]);
  return newest - before[1] <= sizeOf(topic);
}

function countInSeveralEpochs(book: HeardBook): number {
  const epochs = new Map<number, string>();
  const several = new Set<number>();
  for (const { epoch, numbers } of book.all()) {
    for (const number of numbers) {
      if (number === 0) continue;
      const other = epochs.get(number);
      if (other !== undefined && other !== epoch) several.add(number);
      epochs.set(number, epoch);
    }
  }
  return several.size;
}
