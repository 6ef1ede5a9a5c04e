/**
 * What a load client does to a server, and what it measures.
 *
 * @module
 */

import { DIGITS, type LoadConnection, MARKER, openMany } from "./connection.ts";
import type { Dialect } from "./dialects.ts";
import { concat, textFrame } from "./frames.ts";

/** What came of a load. */
export interface Outcome {
  /** How many messages came. */
  readonly delivered: number;
  /** How many should have come. */
  readonly expected: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
  /** How many frames they came in. */
  readonly frames: number;
  /** Latencies in milliseconds, where they were measured. */
  readonly latencies?: { readonly p50: number; readonly p95: number; readonly p99: number };
}

/** What a shape is told. */
export interface Load {
  /** Where the server listens. */
  readonly port: number;
  /** How it is spoken to. */
  readonly dialect: Dialect;
  /** How many connections. */
  readonly clients: number;
  /** How many messages of each, rounds, or milliseconds: as the shape has it. */
  readonly messages: number;
  /** Messages a second, for the paced shape. */
  readonly rate?: number;
}

/** A load with no progress for so long has failed, in milliseconds. */
const STALLED_MS = 5_000;

/** The text of a message: marker, number, and padding to the length of a short chat line. */
const text = (sequence: number): string =>
  `${MARKER}${String(sequence).padStart(DIGITS, "0")} hello, everyone here`;

/** Waits until as many messages have come as should, or nothing has come for long. */
async function settle(count: () => number, expected: number): Promise<void> {
  let last = -1;
  let since = performance.now();
  while (count() < expected) {
    const now = count();
    if (now !== last) {
      last = now;
      since = performance.now();
    } else if (performance.now() - since > STALLED_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const total = (connections: readonly LoadConnection[], what: "received" | "frames"): number =>
  connections.reduce((sum, connection) => sum + connection[what], 0);

/** The value below which a share of the sorted values lies. */
function percentiles(values: Float64Array): NonNullable<Outcome["latencies"]> {
  values.sort();
  const at = (share: number) => values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Everybody says `messages` lines, everybody hears all of them. */
export async function fanout({ port, dialect, clients, messages }: Load): Promise<Outcome> {
  const connections = await openMany(port, dialect, clients);
  const blocks = connections.map((_, i) =>
    concat(Array.from({ length: messages }, (_, j) => textFrame(dialect.message(text(i * messages + j)))))
  );
  const expected = clients * clients * messages;
  const frames = total(connections, "frames");
  const start = performance.now();
  for (const [i, connection] of connections.entries()) connection.write(blocks[i]!);
  await settle(() => total(connections, "received"), expected);
  const ms = performance.now() - start;
  const outcome = {
    delivered: total(connections, "received"),
    expected,
    ms,
    frames: total(connections, "frames") - frames,
  };
  for (const connection of connections) connection.destroy();
  return outcome;
}

/** One line to everybody, then silence, again and again. */
export async function single({ port, dialect, clients, messages: rounds }: Load): Promise<Outcome> {
  const connections = await openMany(port, dialect, clients);
  const [speaker] = connections;
  let ms = 0;
  const latencies = new Float64Array(rounds);
  for (let round = 0; round < rounds; round++) {
    const expected = (round + 1) * clients;
    const start = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    let received = round * clients;
    for (const connection of connections) {
      connection.onMessage = () => {
        if (++received === expected) resolve();
      };
    }
    speaker!.write(textFrame(dialect.message(text(round))));
    const stalled = setTimeout(resolve, STALLED_MS);
    await promise;
    clearTimeout(stalled);
    latencies[round] = performance.now() - start;
    ms += latencies[round]!;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const outcome = {
    delivered: total(connections, "received"),
    expected: rounds * clients,
    ms,
    frames: total(connections, "frames"),
    latencies: percentiles(latencies),
  };
  for (const connection of connections) connection.destroy();
  return outcome;
}

/** One speaker at a steady rate for `messages` milliseconds, everybody else hears it. */
export async function paced(
  { port, dialect, clients, messages: forMs, rate = 2_000 }: Load,
): Promise<Outcome> {
  const connections = await openMany(port, dialect, clients);
  const [speaker] = connections;
  const count = Math.round(rate * forMs / 1_000);
  const expected = count * clients;
  const sentAt = new Float64Array(count);
  const latencies = new Float64Array(expected);
  let delivered = 0;
  for (const connection of connections) {
    connection.onMessage = (sequence) => {
      latencies[delivered++] = performance.now() - sentAt[sequence]!;
    };
  }
  const start = performance.now();
  await new Promise<void>((resolve) => {
    let sent = 0;
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor((performance.now() - start) * rate / 1_000));
      for (; sent < due; sent++) {
        sentAt[sent] = performance.now();
        speaker!.write(textFrame(dialect.message(text(sent))));
      }
      if (sent < count) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  const cutOff = performance.now() + 2_000; // who has not heard it by then counts as lost
  while (delivered < expected && performance.now() < cutOff) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const outcome = {
    delivered,
    expected,
    ms: performance.now() - start,
    frames: total(connections, "frames"),
    latencies: percentiles(latencies.slice(0, delivered)),
  };
  for (const connection of connections) connection.destroy();
  return outcome;
}

/** Everybody asks, waits for the answer, and asks again. */
export async function requests({ port, dialect, clients, messages }: Load): Promise<Outcome> {
  const connections = await openMany(port, dialect, clients);
  const latencies = new Float64Array(clients * messages);
  let done = 0;
  const start = performance.now();
  await Promise.all(connections.map((connection) =>
    new Promise<void>((resolve) => {
      let asked = 0;
      let askedAt = 0;
      const ask = () => {
        if (asked === messages) return resolve();
        askedAt = performance.now();
        asked++;
        connection.write(textFrame(dialect.request(asked, text(asked))));
      };
      connection.onMessage = () => {
        latencies[done++] = performance.now() - askedAt;
        ask();
      };
      connection.onClose = resolve;
      ask();
    })
  ));
  const outcome = {
    delivered: done,
    expected: clients * messages,
    ms: performance.now() - start,
    frames: total(connections, "frames"),
    latencies: percentiles(latencies.slice(0, done)),
  };
  for (const connection of connections) {
    connection.onClose = () => {};
    connection.destroy();
  }
  return outcome;
}

/** Everybody connects and says nothing; stays for `messages` milliseconds. */
export async function idle({ port, dialect, clients, messages: forMs }: Load): Promise<Outcome> {
  const start = performance.now();
  const connections = await openMany(port, dialect, clients, 50);
  const ms = performance.now() - start;
  console.log("open"); // whoever measures the server's memory waits for this line
  await new Promise((resolve) => setTimeout(resolve, forMs));
  for (const connection of connections) connection.destroy();
  return { delivered: connections.length, expected: clients, ms, frames: 0 };
}

/** `messages` connections come, get ready, and go, `clients` at a time. */
export async function churn({ port, dialect, clients, messages }: Load): Promise<Outcome> {
  const start = performance.now();
  let done = 0;
  let left = messages;
  await Promise.all(Array.from({ length: clients }, async () => {
    while (left-- > 0) {
      for (const connection of await openMany(port, dialect, 1)) connection.destroy();
      done++;
    }
  }));
  return { delivered: done, expected: messages, ms: performance.now() - start, frames: 0 };
}
