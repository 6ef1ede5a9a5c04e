/**
 * The load `interest`: many topics, each with its subscriber on one node.
 *
 * @module
 */

import { type ClusterLoad, type ClusterOutcome, memory, Stream, untilLive } from "./cluster.ts";
import { openMany, text } from "./connection.ts";
import { topic } from "./dialects.ts";
import { clientFrame, concat } from "./frames.ts";
import { TurnWatch } from "./order.ts";
import { redisUsage } from "./redis_usage.ts";
import { Stopwatch, usage } from "./server.ts";
import { received, settle } from "./settle.ts";

/** The orders for the load. */
export interface InterestLoad extends ClusterLoad {
  /** The number of topics; each has one subscriber, on one of the nodes. */
  readonly topics: number;
  /** How many messages each topic gets. */
  readonly rounds: number;
  /** The ports of Redis servers, to ask how many bytes they sent; empty with another broker. */
  readonly redisPorts: readonly number[];
}

/** The result. */
export interface InterestOutcome extends ClusterOutcome {
  /** How many messages were published. */
  readonly published: number;
  /** How many messages the other nodes got from the backplane: of topics with a subscriber on that node, and without. */
  readonly wanted: number;
  readonly unwanted: number;
  /** How many bytes Redis sent during the load; absent for other brokers. */
  readonly redisBytes?: number;
}

/** The share of the rounds that warms up. */
const WARM_UP = 0.5;

/** The number of messages that a node got from the backplane, by topic. */
const arrivals = async (port: number) =>
  ((await usage(port, "as it is")).stats ?? {}) as Readonly<Record<string, number>>;

/** Publishes on one node to all topics in turn, and asks the other nodes how many messages they got. */
export async function interest(load: InterestLoad): Promise<InterestOutcome> {
  const { ports, dialect, window, topics, rounds, redisPorts } = load;
  const nodes = ports.length;
  const speakers = await openMany(ports[0]!, dialect, load.speakers);
  const names = Array.from({ length: topics }, (_, id) => topic(id));
  /** Whether a node has a subscriber to a topic. */
  const isWanted = (id: number, node: number) => id % nodes === node;
  const holders = await Promise.all(ports.map(async (port, node) => {
    const [holder] = await openMany(port, dialect, 1);
    await holder!.talk(dialect.subscribe(names.filter((_, id) => isWanted(id, node))));
    return holder!;
  }));
  const frame = (number: number) => clientFrame(dialect.publish(names[number % topics]!, text(number)));
  const all = concat(names.map((_, id) => frame(id)));
  await untilLive(speakers[0]!, holders, all, topics);
  /** Publishes to all topics, for a number of rounds. */
  const stream = async (rounds: number, first: number) => {
    const stream = new Stream(window, speakers, holders, 1, (number) => frame(first + number));
    const before = received(holders);
    await stream.run(() => stream.published < topics * rounds);
    await settle(holders, before + stream.published);
    return stream.published;
  };
  const first = await stream(rounds * WARM_UP, 0);

  // Topics take turns, and speakers too: so each topic has one speaker, and its messages arrive in order.
  const watch = new TurnWatch(first, topics);
  for (const holder of holders) holder.onMessage = (number) => watch.take(number);
  const before = {
    received: received(holders),
    arrivals: await Promise.all(ports.map(arrivals)),
    sent: (await redisUsage(redisPorts)).sent,
    frames: holders.reduce((sum, { frames }) => sum + frames, 0),
  };
  const start = await Stopwatch.start(...ports);
  const count = await stream(rounds, first);
  const figures = await start.stop();
  const { sent } = await redisUsage(redisPorts);
  const came = { wanted: 0, unwanted: 0 };
  for (const [node, port] of ports.entries()) {
    if (node === 0) continue; // the publishing node may get its own messages back
    const now = await arrivals(port);
    for (const [id, name] of names.entries()) {
      const count = (now[name] ?? 0) - (before.arrivals[node]![name] ?? 0);
      came[isWanted(id, node) ? "wanted" : "unwanted"] += count;
    }
  }
  const outcome = {
    ...figures,
    ...came,
    published: count,
    delivered: received(holders) - before.received,
    expected: count,
    ordered: watch.ordered(count),
    frames: holders.reduce((sum, { frames }) => sum + frames, 0) - before.frames,
    ...(redisPorts.length > 0 && { redisBytes: sent - before.sent }),
    rss: await memory(ports),
  };
  for (const connection of [...speakers, ...holders]) connection.destroy();
  return outcome;
}
