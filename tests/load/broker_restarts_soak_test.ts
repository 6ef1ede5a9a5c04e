/**
 * Promises 1, 2, 3 and 5 while the broker is killed and started again and again under load.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Client, createClient, createHub, defineContract, type Hub } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import process from "node:process";
import { z } from "zod";
import { runtime, test, waitFor } from "../harness.ts";
import { OWN_BROKERS, type OwnBroker } from "../own_brokers.ts";

/** How long messages are published. */
const SECONDS = Number(process.env.RESTARTS_SECONDS ?? 24);
/** How many a second by the first node; the other one publishes a tenth of it. */
const RATE = 1_000;
const RESTARTS = 2;
/** How many messages the first node publishes while the broker is away. */
const WHILE_AWAY = 1_500;
/** From when the broker takes connections again until a message gets across. */
const RESUMES_WITHIN_MS = 2_000;

const Numbered = z.object({ from: z.number(), n: z.number() });
type Numbered = z.infer<typeof Numbered>;

const contract = defineContract({
  shared: { serverToClient: { note: { payload: Numbered } }, topics: { news: { payload: Numbered } } },
  roles: { member: {} },
});

type Definition = (typeof contract)["definition"];

/** A hub, its listeners, and what it has published. */
class Station implements AsyncDisposable {
  readonly hub: Hub<Definition>;
  readonly clients: Client<Definition, "member">[] = [];
  /** The messages of each station that each listener got, in the room and on the topic. */
  readonly heard: { readonly room: number[][]; readonly topic: number[][] }[] = [];
  /** Errors that reached code that must not get them. */
  readonly thrown: unknown[] = [];
  readonly #number: number;
  readonly #loopback = createLoopbackTransport();
  published = 0;
  /** How many of those while there was no broker. */
  alone = 0;

  constructor(number: number, adapter: Adapter) {
    this.#number = number;
    this.hub = createHub(contract, {
      authenticate: ({ role }) => ({ role }),
      transports: [this.#loopback],
      adapter,
      onConnection: async (conn) => {
        await this.hub.room("everybody").add(conn);
      },
      onError() {}, // the broker's absence is reported here; other tests look at that
    });
  }

  /** Publishes in turn to the room and on the topic. */
  publish(): void {
    const message = { from: this.#number, n: this.published++ };
    try {
      if (message.n % 2 === 0) this.hub.room("everybody").broadcast("note", message);
      else this.hub.publish("news", message);
    } catch (error) {
      this.thrown.push(error);
    }
  }

  async listen(): Promise<void> {
    const transport = this.#loopback.client();
    const client = createClient(contract, { url: "ws://loopback", role: "member", transport });
    const heard = { room: [[], []] as number[][], topic: [[], []] as number[][] };
    client.on("note", ({ from, n }) => void heard.room[from]!.push(n));
    await client.ready;
    await client.subscribe("news", ({ from, n }) => void heard.topic[from]!.push(n)).ready;
    this.clients.push(client);
    this.heard.push(heard);
  }

  /** The newest that any listener here heard of a station. */
  newest(from: number): number {
    return Math.max(
      -1,
      ...this.heard.flatMap(({ room, topic }) => [room[from]!.at(-1)!, topic[from]!.at(-1)!]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client.close();
    await this.hub.close();
  }
}

/** Publishes at a rate, however late the timer is, until told to stop. */
function publishing(stations: readonly [Station, Station]): () => void {
  const start = performance.now();
  const timer = setInterval(() => {
    const due = (performance.now() - start) * RATE / 1_000;
    while (stations[0].published < due) stations[0].publish();
    while (stations[1].published < due / 10) stations[1].publish();
  }, 5);
  return () => clearInterval(timer);
}

function assertRising(numbers: readonly number[], what: string): void {
  for (let i = 1; i < numbers.length; i++) {
    assert(numbers[i - 1]! < numbers[i]!, `${what}: ${numbers[i]} after ${numbers[i - 1]}`);
  }
}

/** Lives through the restarts of one broker; tells after how long messages got across again. */
async function live(name: string, broker: OwnBroker): Promise<number[]> {
  await using one = new Station(0, broker.createAdapter());
  await using other = new Station(1, broker.createAdapter());
  const stations = [one, other] as const;
  for (const { hub } of stations) await hub.ready;
  for (const station of stations) for (let i = 0; i < 3; i++) await station.listen();
  const stop = publishing(stations);
  const resumed: number[] = [];
  try {
    for (let restart = 1; restart <= RESTARTS; restart++) {
      const next = restart * SECONDS * RATE / (RESTARTS + 1) - WHILE_AWAY;
      await waitFor(() => one.published >= next, { timeoutMs: SECONDS * 1_000, what: "the next restart" });
      const before = stations.map(({ published }) => published);
      await broker.kill();
      const back = one.published + WHILE_AWAY;
      await waitFor(() => one.published >= back, { timeoutMs: 30_000, what: "messages while it is away" });
      await broker.start();
      const [since, sinceOther, at] = [one.published, other.published, performance.now()];
      const across = () => other.newest(0) >= since && one.newest(1) >= sinceOther;
      for (const [i, station] of stations.entries()) station.alone += station.published - before[i]!;
      await waitFor(across, {
        timeoutMs: 30_000,
        what: `${name} to carry messages after restart ${restart}`,
      });
      resumed.push(performance.now() - at);
    }
    const end = SECONDS * RATE;
    await waitFor(() => one.published >= end, { timeoutMs: SECONDS * 1_000, what: "the end" });
  } finally {
    stop();
  }
  const arrived = () => [other.newest(0) >= one.published - 1, one.newest(1) >= other.published - 1];
  await waitFor(() => arrived().every(Boolean), { timeoutMs: 10_000, what: "the last messages" });
  for (const [home, station] of stations.entries()) {
    assertEquals(station.thrown, []);
    for (const { room, topic } of station.heard) {
      for (const from of [0, 1]) {
        const { published, alone } = stations[from]!;
        const what = `${name}: of node ${from} on node ${home}`;
        for (const numbers of [room[from]!, topic[from]!]) assertRising(numbers, what);
        const count = room[from]!.length + topic[from]!.length;
        if (from === home) assertEquals(count, published, what);
        else {assert(
            count > (published - alone) * 0.8,
            `${what}: only ${count} of ${published}, ${alone} of them alone`,
          );}
      }
    }
  }
  return resumed;
}

const title =
  `promises 1, 2, 3 and 5: ${RATE} messages a second for ${SECONDS} s while the broker is restarted ` +
  `${RESTARTS} times: nothing is thrown, here all arrive in order, elsewhere none twice, and again at once`;
const present = OWN_BROKERS.filter(({ missing }) => missing === undefined);
for (const { name, missing } of OWN_BROKERS) {
  if (missing !== undefined) test.skip(`${title}: ${name}`, missing);
}
if (present.length > 0) {
  test(`${title}: ${present.map(({ name }) => name).join(", ")}`, async () => {
    const resumed = await Promise.all(present.map(async ({ name, launch }) => {
      await using broker = await launch();
      return [name, await live(name, broker)] as const;
    }));
    for (const [name, times] of resumed) {
      console.log(
        `${name} on ${runtime}: carried again after ${times.map((ms) => ms.toFixed(0)).join(", ")} ms`,
      );
      for (const ms of times) {
        assert(ms < RESUMES_WITHIN_MS, `${name} carried again after ${ms.toFixed(0)} ms`);
      }
    }
  }, { timeoutMs: 1_000 * (2 * SECONDS + 60) });
}
