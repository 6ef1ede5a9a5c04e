/**
 * The load `crossnode`: clients publish on one node, and clients on the other nodes subscribe. With a single node, all are on that node.
 *
 * @module
 */

import { type ClusterLoad, type ClusterOutcome, memory, Stream, untilLive, wait } from "./cluster.ts";
import { type LoadConnection, openMany, text } from "./connection.ts";
import { topic } from "./dialects.ts";
import { clientFrame } from "./frames.ts";
import { TurnWatch } from "./order.ts";
import { percentiles } from "./outcome.ts";
import { Stopwatch } from "./server.ts";
import { received, settle } from "./settle.ts";

/** The orders for the load. */
export interface CrossnodeLoad extends Omit<ClusterLoad, "window"> {
  /** The windows to try, the smallest first: the load first finds the one with which the server is fastest. */
  readonly windows: readonly number[];
  /** How long to try each window, in milliseconds. */
  readonly tryMs: number;
  /** How many connections subscribe, on the other nodes; with a single node, on that node. */
  readonly subscribers: number;
  /** How long to publish at full speed after that, in milliseconds. */
  readonly forMs: number;
  /** How long to publish at a steady rate before that, and how many messages a second, to measure latencies. */
  readonly paced: { readonly forMs: number; readonly rate: number };
}

/**
 * The result. The latencies come from the part at a steady rate; all other figures come from the part at full speed.
 */
export interface CrossnodeOutcome extends ClusterOutcome {
  /** The window: how many messages could be on their way. */
  readonly window: number;
  /** How many messages arrived at the steady rate, and how many were expected. */
  readonly paced: { readonly delivered: number; readonly expected: number };
}

/** A larger window counts as better only if it makes a server faster by this factor. */
const WORTH_IT = 1.1;
/** Each window has several tries, because one may come at a busy moment. */
const MAX_IN_VAIN = 2;

/** Publishes on one node to one topic, whose subscribers are on the other nodes: first at a steady rate, then at full speed. */
export async function crossnode(load: CrossnodeLoad): Promise<CrossnodeOutcome> {
  const { ports, dialect, subscribers, windows, tryMs, forMs, paced } = load;
  const [home, ...others] = ports as [number, ...number[]];
  const elsewhere = others.length > 0 ? others : [home];
  const speakers = await openMany(home, dialect, load.speakers);
  const hearers: LoadConnection[] = [];
  /** One subscriber on each node, which checks the order. */
  const listeners: LoadConnection[] = [];
  for (const [i, port] of elsewhere.entries()) {
    const share = Math.floor((subscribers + i) / elsewhere.length);
    const some = await openMany(port, dialect, share);
    await Promise.all(some.map((connection) => connection.talk(dialect.subscribe([topic(0)]))));
    hearers.push(...some);
    listeners.push(some[0]!);
  }
  const frame = (number: number) => clientFrame(dialect.publish(topic(0), text(number)));
  await untilLive(speakers[0]!, hearers, frame(0), hearers.length);

  let first = 0;
  const watched = (run: () => Promise<number>) => async () => {
    const watches = listeners.map((listener) => {
      const watch = new TurnWatch(first, speakers.length);
      listener.onMessage = (number) => watch.take(number);
      return watch;
    });
    const before = received(hearers);
    const start = await Stopwatch.start(...ports);
    const count = await run();
    await settle(hearers, before + count * hearers.length);
    const figures = await start.stop();
    for (const connection of hearers) connection.onReceived = connection.onMessage = undefined;
    first += count;
    return {
      ...figures,
      delivered: received(hearers) - before,
      expected: count * hearers.length,
      ordered: watches.every((watch) => watch.ordered(count)),
    };
  };
  /** Publishes at full speed. */
  const flood = (ms: number, window: number) =>
    watched(async () => {
      const numbered = (number: number) => frame(first + number);
      const stream = new Stream(window, speakers, hearers, hearers.length, numbered);
      const end = performance.now() + ms;
      await stream.run(() => performance.now() < end);
      return stream.published;
    });
  /** Publishes at a steady rate, with which every server can keep up. */
  const latencies: number[] = [];
  const pace = watched(async () => {
    const count = Math.round(paced.rate * paced.forMs / 1_000 / speakers.length) * speakers.length;
    const saidAt = new Float64Array(count);
    for (const hearer of hearers) {
      const { onMessage } = hearer;
      hearer.onMessage = (number) => {
        onMessage?.(number);
        latencies.push(performance.now() - saidAt[number - first]!);
      };
    }
    const start = performance.now();
    for (let said = 0; said < count; await wait(1)) {
      const due = Math.min(count, Math.floor((performance.now() - start) * paced.rate / 1_000));
      for (; said < due; said++) {
        saidAt[said] = performance.now();
        speakers[said % speakers.length]!.write(frame(first + said));
      }
    }
    return count;
  });

  await flood(tryMs, windows[0]!)(); // to warm up
  const slow = await pace();
  let [best, most, vain] = [windows[0]!, 0, 0];
  for (const window of windows) {
    const { delivered, expected, ms } = await flood(tryMs, window)();
    if (delivered < expected) break;
    if (delivered / ms >= most * WORTH_IT) [best, most] = [window, delivered / ms];
    else if (++vain === MAX_IN_VAIN) break;
  }
  const before = hearers.reduce((sum, { frames }) => sum + frames, 0);
  const fast = await flood(forMs, best)();
  const frames = hearers.reduce((sum, { frames }) => sum + frames, 0) - before;
  const outcome = {
    ...fast,
    ordered: fast.ordered && slow.ordered,
    window: best,
    paced: { delivered: slow.delivered, expected: slow.expected },
    frames,
    latencies: percentiles(Float64Array.from(latencies)),
    rss: await memory(ports),
  };
  for (const connection of [...speakers, ...hearers]) connection.destroy();
  return outcome;
}
