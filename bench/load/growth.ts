/**
 * Loads with more and more connections, topics, or clients without a subscription. All levels run on one server process,
 * from the smallest to the largest, so that the process is equally warm for each.
 *
 * @module
 */

import { type LoadConnection, openMany, text } from "./connection.ts";
import { publish, topic } from "./dialects.ts";
import { clientFrame, concat } from "./frames.ts";
import { OrderWatch } from "./order.ts";
import type { Load } from "./outcome.ts";
import { Stopwatch, usage } from "./server.ts";
import { received, settle } from "./settle.ts";
import { subscribeAll } from "./subscribe_all.ts";

/** The number of subscribers of a topic with few. */
const FEW = 10;
/** How many connections hold the subscriptions to many topics. */
const HOLDERS = 1_000;
/** How many publishers share a level's publishes. */
const SPEAKERS = 10;
/** The least number of messages of a speaker in a burst. */
const LEAST_EACH = 32;
/** How often each level runs before it is measured. */
const WARM_UPS = 3;
/** How often each level is measured. */
const REPETITIONS = 5;

/** One measurement of one level. */
export interface Sample {
  /** The duration, in milliseconds. */
  readonly ms: number;
  /** The processor time of the server, in milliseconds. */
  readonly cpuMs: number;
  /** The processor time of the load client, in milliseconds. */
  readonly loadCpuMs: number;
  /** How many messages were published. */
  readonly published: number;
  /** How many messages arrived, and how many were expected. */
  readonly delivered: number;
  readonly expected: number;
  /** Whether one listener got every message once and in order. */
  readonly ordered: boolean;
}

/** The measurements of one level. */
export interface Level {
  /** The number of connections, topics or clients without a subscription. */
  readonly size: number;
  /** How the messages were published: in bursts, or one by one, each after the one before has arrived. */
  readonly how: "burst" | "alone";
  /** The server's resident memory, in bytes, after a garbage collection. */
  readonly rss: number;
  readonly samples: readonly Sample[];
}

/** The result of a growth load. */
export interface Growth {
  /** The server's resident memory before the load. */
  readonly rssBefore: number;
  readonly levels: readonly Level[];
}

/** The orders for a growth load. */
export interface GrowthLoad extends Omit<Load, "clients" | "messages" | "statsPort"> {
  /** The levels, from the smallest to the largest. */
  readonly sizes: readonly number[];
  /** About how many deliveries a burst makes. */
  readonly deliveries: number;
}

/** The publishers, the topics and the listeners. */
interface Stage {
  readonly speakers: readonly LoadConnection[];
  readonly hearers: readonly LoadConnection[];
  /** The topics, which get messages in turn. `subscribers` of the hearers subscribe to each. */
  readonly topics: readonly string[];
  readonly subscribers: number;
}

/** Publishes `each` messages per speaker in one burst, and waits until all subscribers have got them. */
async function burst(port: number, stage: Stage, each: number): Promise<Sample> {
  const { speakers, hearers, topics, subscribers } = stage;
  const blocks = speakers.map((_, i) =>
    concat(Array.from({ length: each }, (_, j) => {
      const number = i * each + j;
      return clientFrame(publish(topics[number % topics.length]!, text(number)));
    }))
  );
  // With many topics no listener gets all messages of a speaker, so the order cannot be checked.
  const watch = topics.length === 1 ? new OrderWatch(0, speakers.length, each) : undefined;
  hearers[0]!.onMessage = watch && ((sequence) => watch.take(sequence));
  const published = each * speakers.length;
  const expected = published * subscribers;
  const before = received(hearers);
  const start = await Stopwatch.start(port);
  for (const [i, speaker] of speakers.entries()) speaker.write(blocks[i]!);
  await settle(hearers, before + expected);
  const figures = await start.stop();
  return {
    ...figures,
    published,
    delivered: received(hearers) - before,
    expected,
    ordered: watch?.ordered ?? true,
  };
}

/** Publishes one message after the other, each after all subscribers have got the one before. */
async function alone(port: number, { speakers: [speaker], ...stage }: Stage, count: number): Promise<Sample> {
  const { hearers, topics: [name], subscribers } = stage;
  const watch = new OrderWatch(0, 1, count);
  const before = received(hearers);
  hearers[0]!.onMessage = (sequence) => watch.take(sequence);
  const start = await Stopwatch.start(port);
  const { promise, resolve } = Promise.withResolvers<void>();
  let heard = 0;
  let said = 0;
  const say = () => said < count ? speaker!.write(clientFrame(publish(name!, text(said++)))) : resolve();
  for (const hearer of hearers) {
    hearer.onReceived = (messages) => {
      heard += messages;
      if (heard === said * subscribers) say();
    };
  }
  say();
  const stalled = setTimeout(resolve, 30_000);
  await promise;
  clearTimeout(stalled);
  const figures = await start.stop();
  for (const hearer of hearers) hearer.onReceived = undefined;
  const delivered = received(hearers) - before;
  return { ...figures, published: count, delivered, expected: count * subscribers, ordered: watch.ordered };
}

/** Warms up, and measures a level several times. */
async function repeat(measure: () => Promise<Sample>): Promise<Sample[]> {
  for (let i = 0; i < WARM_UPS; i++) await measure();
  const samples: Sample[] = [];
  for (let i = 0; i < REPETITIONS; i++) samples.push(await measure());
  return samples;
}

/** More and more connections, which all subscribe to one topic. */
export async function connections({ port, dialect, sizes, deliveries }: GrowthLoad): Promise<Growth> {
  const { rss: rssBefore } = await usage(port, "collect");
  const all: LoadConnection[] = [];
  const levels: Level[] = [];
  for (const size of sizes) {
    const more = await openMany(port, dialect, size - all.length);
    await subscribeAll(more.map((connection) => [connection, [topic(0)]] as const));
    all.push(...more);
    const stage = { speakers: all.slice(0, SPEAKERS), hearers: all, topics: [topic(0)], subscribers: size };
    // With many connections a burst makes more deliveries: otherwise the server could send little together.
    const each = Math.max(LEAST_EACH, Math.round(deliveries / size / SPEAKERS));
    const samples = await repeat(() => burst(port, stage, each));
    levels.push({ size, how: "burst", rss: (await usage(port, "collect")).rss, samples });
  }
  return { rssBefore, levels };
}

/** More and more topics, each with ten subscribers among the same thousand connections. */
export async function topics({ port, dialect, sizes, deliveries }: GrowthLoad): Promise<Growth> {
  const speakers = await openMany(port, dialect, SPEAKERS);
  const hearers = await openMany(port, dialect, HOLDERS);
  const { rss: rssBefore } = await usage(port, "collect");
  const levels: Level[] = [];
  const names: string[] = [];
  for (const size of sizes) {
    const wanted = new Map<LoadConnection, string[]>();
    for (let id = names.length; id < size; id++) {
      names.push(topic(id));
      for (let i = 0; i < FEW; i++) {
        const hearer = hearers[(id * FEW + i) % HOLDERS]!;
        wanted.set(hearer, [...wanted.get(hearer) ?? [], topic(id)]);
      }
    }
    await subscribeAll([...wanted]);
    const stage = { speakers, hearers, topics: [...names], subscribers: FEW };
    const each = Math.round(deliveries / FEW / SPEAKERS);
    const samples = await repeat(() => burst(port, stage, each));
    levels.push({ size, how: "burst", rss: (await usage(port, "collect")).rss, samples });
  }
  return { rssBefore, levels };
}

/** A topic with ten subscribers, and more and more connections that do not subscribe to it. */
async function others(
  { port, dialect, sizes, deliveries }: GrowthLoad,
  subscribesTo: (other: number) => string | undefined,
): Promise<Growth> {
  const speakers = await openMany(port, dialect, SPEAKERS);
  const hearers = await openMany(port, dialect, FEW);
  await subscribeAll(hearers.map((hearer) => [hearer, [topic(0)]] as const));
  const { rss: rssBefore } = await usage(port, "collect");
  const levels: Level[] = [];
  const stage = { speakers, hearers, topics: [topic(0)], subscribers: FEW };
  const published = Math.round(deliveries / FEW);
  let count = 0;
  for (const size of sizes) {
    const more = await openMany(port, dialect, size - count);
    const wanted = more.map((connection, i) => [connection, subscribesTo(count + i)] as const)
      .flatMap(([connection, name]) => name === undefined ? [] : [[connection, [name]] as const]);
    await subscribeAll(wanted);
    count = size;
    const { rss } = await usage(port, "collect");
    const bursts = await repeat(() => burst(port, stage, published / SPEAKERS));
    levels.push({ size, how: "burst", rss, samples: bursts });
    levels.push({ size, how: "alone", rss, samples: await repeat(() => alone(port, stage, published / 10)) });
  }
  return { rssBefore, levels };
}

/** Connections without any subscription. */
export const idlers = (load: GrowthLoad): Promise<Growth> => others(load, () => undefined);

/** Connections that subscribe to other topics. */
export const elsewhere = (load: GrowthLoad): Promise<Growth> => others(load, (other) => topic(1 + other));
