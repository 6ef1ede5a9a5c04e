/**
 * The load `crossnode`: what is published on one node, and heard on the others; of a single node, on that one.
 *
 * @module
 */

import { type ClusterLoad, type ClusterOutcome, memory, Stream, untilLive, wait } from "./cluster.ts";
import { type LoadConnection, openMany, text } from "./connection.ts";
import { topic } from "./dialects.ts";
import { textFrame } from "./frames.ts";
import { TurnWatch } from "./order.ts";
import { percentiles } from "./outcome.ts";
import { Stopwatch } from "./server.ts";
import { received, settle } from "./settle.ts";

/** What it is told. */
export interface CrossnodeLoad extends Omit<ClusterLoad, "window"> {
  /** How many messages may be on their way, from the least: the one with which the server is fastest is found first. */
  readonly windows: readonly number[];
  /** How long to try each, in milliseconds. */
  readonly tryMs: number;
  /** How many connections subscribe, on the other nodes; where there are none, on the one that there is. */
  readonly subscribers: number;
  /** Then how long to publish as fast as it goes, in milliseconds. */
  readonly forMs: number;
  /** How long to publish at a steady rate before, and how many messages a second, for latencies. */
  readonly paced: { readonly forMs: number; readonly rate: number };
}

/** What came of it: of the part as fast as it goes, but for the latencies, which are of the paced one. */
export interface CrossnodeOutcome extends ClusterOutcome {
  /** How many messages were allowed to be on their way. */
  readonly window: number;
  /** How many messages came at the steady rate, and should have. */
  readonly paced: { readonly delivered: number; readonly expected: number };
}

/** A larger window is only worth it when it makes a server so much faster. */
const WORTH_IT = 1.1;
/** One try may have come at a bad moment. */
const MAX_IN_VAIN = 2;

/** Publishes on one node to one topic, whose subscribers are on all the others: first paced, then as fast as it goes. */
export async function crossnode(load: CrossnodeLoad): Promise<CrossnodeOutcome> {
  const { ports, dialect, subscribers, windows, tryMs, forMs, paced } = load;
  const [home, ...others] = ports as [number, ...number[]];
  const elsewhere = others.length > 0 ? others : [home];
  const speakers = await openMany(home, dialect, load.speakers);
  const hearers: LoadConnection[] = [];
  /** One on each node, who watches the order. */
  const listeners: LoadConnection[] = [];
  for (const [i, port] of elsewhere.entries()) {
    const share = Math.floor((subscribers + i) / elsewhere.length);
    const some = await openMany(port, dialect, share);
    await Promise.all(some.map((connection) => connection.talk(dialect.subscribe([topic(0)]))));
    hearers.push(...some);
    listeners.push(some[0]!);
  }
  const frame = (number: number) => textFrame(dialect.publish(topic(0), text(number)));
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
  /** As fast as it goes. */
  const flood = (ms: number, window: number) =>
    watched(async () => {
      const numbered = (number: number) => frame(first + number);
      const stream = new Stream(window, speakers, hearers, hearers.length, numbered);
      const end = performance.now() + ms;
      await stream.run(() => performance.now() < end);
      return stream.published;
    });
  /** At a steady rate, which every server can keep up with. */
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
