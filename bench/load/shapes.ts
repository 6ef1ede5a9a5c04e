/**
 * The shapes: the things that a load client does to a server, and measures. A shape that measures speed first sends a part
 * of the same load, which does not count. So just-in-time compilers and sockets are warm, equally for every server.
 *
 * @module
 */

import { LoadConnection, openMany, text } from "./connection.ts";
import { clientFrame, concat } from "./frames.ts";
import { OrderWatch } from "./order.ts";
import { type Load, type Outcome, percentiles } from "./outcome.ts";
import { Stopwatch, type Usage, usage } from "./server.ts";
import { frames, received, settle, STALLED_MS } from "./settle.ts";

/** The share of the messages that warms up. */
const WARM_UP = 0.25;
/**
 * For a fast server it takes longer to make the load than to measure it. So a measurement ends at the latest after this many
 * times the time that it should measure.
 */
const PATIENCE = 4;

/** How many messages of each client a server delivers within `ms`, as it delivered some before; at least 1, at most `wanted`. */
const fitting = (
  wanted: number,
  ms: number,
  before: { readonly count: number; readonly ms: number },
): number => Math.max(1, Math.min(wanted, Math.floor(before.count * ms / before.ms)));

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Every client sends `messages` lines, and every client gets all of them. Repeats this until it has taken `leastMs`. They are
 * fewer lines if the server would need more than `PATIENCE` times `leastMs` for them.
 */
export async function fanout(
  { port, statsPort, dialect, clients, messages, leastMs = 1_000 }: Load,
): Promise<Outcome> {
  const connections = await openMany(port, dialect, clients);
  const [listener] = connections;
  let said = 0;
  /** One round, timed by its caller. Returns whether the listener got the lines in order. */
  const round = async (count: number) => {
    const first = said;
    said += clients * count;
    const blocks = connections.map((_, i) =>
      concat(
        Array.from({ length: count }, (_, j) => clientFrame(dialect.message(text(first + i * count + j)))),
      )
    );
    const watch = new OrderWatch(first, clients, count);
    listener!.onMessage = (sequence) => watch.take(sequence);
    const before = received(connections);
    const expected = clients * clients * count;
    const start = await Stopwatch.start(statsPort);
    for (const [i, connection] of connections.entries()) connection.write(blocks[i]!);
    await settle(connections, before + expected);
    return {
      ...await start.stop(),
      expected,
      delivered: received(connections) - before,
      ordered: watch.ordered,
    };
  };
  /** Makes a function that tells whether the measured time is enough. */
  const untilEnough = () => {
    const end = performance.now() + PATIENCE * leastMs;
    return (ms: number) => ms >= leastMs || performance.now() >= end;
  };
  const isWarm = untilEnough();
  let last = { count: 1, ms: PATIENCE * leastMs };
  for (let ms = 0; !isWarm(ms); ms += last.ms) {
    const count = fitting(Math.ceil(messages * WARM_UP), PATIENCE * leastMs, last);
    last = { count, ms: (await round(count)).ms };
  }
  const burst = fitting(messages, PATIENCE * leastMs, last);
  const before = frames(connections);
  const total = { expected: 0, delivered: 0, ordered: true, ms: 0, cpuMs: 0, loadCpuMs: 0 };
  const isEnough = untilEnough();
  do {
    const { ordered, ...figures } = await round(burst);
    for (const [name, value] of Object.entries(figures)) total[name as keyof typeof figures] += value;
    total.ordered &&= ordered;
  } while (!isEnough(total.ms) && total.delivered === total.expected);
  const outcome = { ...total, frames: frames(connections) - before };
  for (const connection of connections) connection.destroy();
  return outcome;
}

/** One line to all clients, then a pause, again and again. */
export async function single(
  { port, statsPort, dialect, clients, messages: rounds }: Load,
): Promise<Outcome> {
  const connections = await openMany(port, dialect, clients);
  const [listener] = connections;
  let heard = 0;
  let due = 0;
  let everybodyHeard = () => {};
  for (const connection of connections) {
    connection.onReceived = (count) => {
      heard += count;
      if (heard >= due) everybodyHeard();
    };
  }
  /** Sends one line, and returns how long it took until all clients had got it. */
  const round = async (sequence: number): Promise<number> => {
    due += clients;
    const start = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    everybodyHeard = resolve;
    listener!.write(clientFrame(dialect.message(text(sequence))));
    const stalled = setTimeout(resolve, STALLED_MS);
    await promise;
    clearTimeout(stalled);
    const ms = performance.now() - start;
    await wait(2);
    return ms;
  };
  const warmUp = Math.ceil(rounds * WARM_UP);
  for (let i = 0; i < warmUp; i++) await round(i);
  const watch = new OrderWatch(warmUp, 1, rounds);
  listener!.onMessage = (sequence) => watch.take(sequence);
  const latencies = new Float64Array(rounds);
  const [heardBefore, framesBefore] = [heard, frames(connections)];
  const start = await Stopwatch.start(statsPort);
  for (let i = 0; i < rounds; i++) latencies[i] = await round(warmUp + i);
  const figures = await start.stop();
  const outcome = {
    ...figures,
    delivered: heard - heardBefore,
    expected: rounds * clients,
    ordered: watch.ordered,
    ms: latencies.reduce((sum, ms) => sum + ms, 0), // without the pauses
    frames: frames(connections) - framesBefore,
    latencies: percentiles(latencies),
  };
  for (const connection of connections) connection.destroy();
  return outcome;
}

/** A server that is behind by the lines of so many ms cannot keep up, and gets no more. It would need half a minute for those that wait. */
const BEHIND_MS = 1_000;

/**
 * One client sends at a steady rate for `messages` milliseconds, or for longer if lines must be `alone`. All clients get its
 * lines. Lines that are not sent because the server is too far behind count as lost.
 */
export async function paced(
  { port, statsPort, dialect, clients, messages: forMs, rate = 2_000, alone = false }: Load,
): Promise<Outcome> {
  const connections = await openMany(port, dialect, clients);
  const [speaker, listener] = connections as [LoadConnection, LoadConnection];
  const warmUp = Math.round(rate * forMs / 1_000 * WARM_UP / 2);
  const count = Math.round(rate * forMs / 1_000);
  const expected = count * clients;
  const sentAt = new Float64Array(warmUp + count);
  const latencies = new Float64Array(expected);
  const watch = new OrderWatch(warmUp, 1, count);
  let delivered = 0;
  let warm = 0;
  for (const connection of connections) {
    connection.onMessage = (sequence) => {
      if (connection === listener) watch.take(sequence);
      if (sequence < warmUp) warm++;
      else latencies[delivered++] = performance.now() - sentAt[sequence]!;
    };
  }
  /** Waits until lines have arrived, or none arrives for a while. A line that has not arrived by then counts as lost. */
  const cutOff = async (heard: () => boolean) => {
    const patienceMs = alone ? STALLED_MS : 2_000;
    let [last, since] = [-1, 0];
    while (!heard() && (warm + delivered > last || performance.now() - since < patienceMs)) {
      if (warm + delivered > last) [last, since] = [warm + delivered, performance.now()];
      await wait(alone ? 1 : 5);
    }
  };
  const say = (number: number) => {
    sentAt[number] = performance.now();
    speaker.write(clientFrame(dialect.message(text(number))));
  };
  const isFarBehind = (sent: number) => sent - (warm + delivered) / clients > rate * BEHIND_MS / 1_000;
  /** Sends the lines from one number up to another. */
  const paceSteadily = async (from: number, to: number) => {
    const start = performance.now();
    for (let sent = from; sent < to && !isFarBehind(sent); await wait(1)) {
      const due = Math.min(to, from + Math.floor((performance.now() - start) * rate / 1_000));
      while (sent < due) say(sent++);
    }
  };
  /** The same, but a line also waits for the one before. If that one is lost, no more are sent. */
  const paceAlone = async (from: number, to: number) => {
    for (let sent = from; sent < to;) {
      say(sent++);
      await wait(1_000 / rate);
      await cutOff(() => warm + delivered === sent * clients);
      if (warm + delivered < sent * clients) return;
    }
  };
  const pace = alone ? paceAlone : paceSteadily;
  await pace(0, warmUp);
  await cutOff(() => warm === warmUp * clients);
  const before = frames(connections);
  const start = await Stopwatch.start(statsPort);
  await pace(warmUp, warmUp + count);
  await cutOff(() => delivered === expected);
  const outcome = {
    ...await start.stop(),
    delivered,
    expected,
    ordered: watch.ordered,
    frames: frames(connections) - before,
    latencies: percentiles(latencies.slice(0, delivered)),
  };
  for (const connection of connections) connection.destroy();
  return outcome;
}

/** Every client sends a request, waits for the answer, and sends the next: `messages` times, again until it has taken `leastMs`. */
export async function requests(
  { port, statsPort, dialect, clients, messages, leastMs = 1_000 }: Load,
): Promise<Outcome> {
  const connections = await openMany(port, dialect, clients);
  // Made ahead: a load client that creates its requests meanwhile is slower than the fastest servers.
  const questions = Array.from(
    { length: messages },
    (_, i) => clientFrame(dialect.request(i + 1, text(i + 1))),
  );
  /** Every client sends the first requests. Resolves with the latencies, and whether each answer belongs to its request. */
  const round = async (count: number) => {
    const latencies = new Float64Array(clients * count);
    let done = 0;
    let ordered = true;
    await Promise.all(connections.map((connection) =>
      new Promise<void>((resolve) => {
        let asked = 0;
        let askedAt = 0;
        const ask = () => {
          if (asked === count) return resolve();
          askedAt = performance.now();
          connection.write(questions[asked++]!);
        };
        connection.onMessage = (sequence) => {
          if (sequence !== asked) ordered = false;
          latencies[done++] = performance.now() - askedAt;
          ask();
        };
        connection.onClose = resolve;
        ask();
      })
    ));
    return { latencies: latencies.subarray(0, done), ordered };
  };
  const warmUntil = performance.now() + leastMs;
  do await round(Math.ceil(messages * WARM_UP)); while (performance.now() < warmUntil);
  const before = frames(connections);
  const found: Float64Array[] = [];
  let isOrdered = true;
  const start = await Stopwatch.start(statsPort);
  const end = performance.now() + leastMs;
  do {
    const { latencies, ordered } = await round(messages);
    found.push(latencies);
    isOrdered &&= ordered;
  } while (performance.now() < end && found.at(-1)!.length === clients * messages);
  const figures = await start.stop();
  const latencies = Float64Array.from(found.flatMap((some) => [...some]));
  const outcome = {
    ...figures,
    delivered: latencies.length,
    expected: found.length * clients * messages,
    ordered: isOrdered,
    frames: frames(connections) - before,
    latencies: percentiles(latencies),
  };
  for (const connection of connections) {
    connection.onClose = () => {};
    connection.destroy();
  }
  return outcome;
}

/** How many connections open at the same time. */
const AT_ONCE = 256;

/**
 * All clients connect. As soon as one is ready, the next one begins. `messages` clients have connected and left before: a
 * storm comes to servers that have run for a while.
 */
export async function connect(
  { port, statsPort, dialect, clients, messages: earlier }: Load,
): Promise<Outcome> {
  const latencies = new Float64Array(Math.max(clients, earlier));
  const open = async (count: number): Promise<LoadConnection[]> => {
    const connections: LoadConnection[] = [];
    let begun = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (begun < count) {
        const number = begun++;
        const began = performance.now();
        connections.push(await LoadConnection.open(port, dialect));
        latencies[number] = performance.now() - began;
      }
    }));
    return connections;
  };
  for (const connection of await open(earlier)) connection.destroy();
  await quiet(statsPort);
  const start = await Stopwatch.start(statsPort);
  const connections = await open(clients);
  const figures = await start.stop();
  for (const connection of connections) connection.destroy();
  return {
    ...figures,
    delivered: connections.length,
    expected: clients,
    frames: 0,
    latencies: percentiles(latencies.subarray(0, clients)),
  };
}

/** Waits until the server has nothing to do any more. */
async function quiet(statsPort: number): Promise<void> {
  for (let last = NaN, at = 0; !(at - last < QUIET.cpuMs);) {
    last = at;
    await wait(QUIET.lookMs);
    at = (await usage(statsPort, "as it is")).cpuMs;
  }
}

/** A server that works for less than `cpuMs` in `lookMs` is quiet. */
const QUIET = { lookMs: 200, cpuMs: 10 };

/** All clients connect and stay; `messages` is how many milliseconds each part of them is quiet before it is measured. */
export async function idle({ port, statsPort, dialect, clients, messages: forMs }: Load): Promise<Outcome> {
  const early = await openMany(port, dialect, clients * EARLY, 50);
  const first = await settledUsage(statsPort, forMs);
  const start = await Stopwatch.start(statsPort);
  const later = await openMany(port, dialect, clients - early.length, 50);
  const figures = await start.stop();
  const open = { first, all: await settledUsage(statsPort, forMs), between: later.length };
  for (const connection of [...early, ...later]) connection.destroy();
  return { ...figures, delivered: later.length, expected: clients - early.length, frames: 0, open };
}

/** The share of idle connections that come first. What they cost is not counted: compiled code and tables are in it, too. */
const EARLY = 1 / 5;

/** The usage after two garbage collections. In between, the allocator gives memory back; that takes it a second. */
async function settledUsage(statsPort: number, forMs: number): Promise<Usage> {
  await wait(forMs);
  await usage(statsPort, "collect");
  await wait(RETURN_MS);
  return await usage(statsPort, "collect");
}

const RETURN_MS = 1_200;

/** `messages` connections open, get ready, and close, `clients` at a time. */
export async function churn({ port, statsPort, dialect, clients, messages }: Load): Promise<Outcome> {
  const start = await Stopwatch.start(statsPort);
  let done = 0;
  let left = messages;
  await Promise.all(Array.from({ length: clients }, async () => {
    while (left-- > 0) {
      for (const connection of await openMany(port, dialect, 1)) connection.destroy();
      done++;
    }
  }));
  return { ...await start.stop(), delivered: done, expected: messages, frames: 0 };
}
