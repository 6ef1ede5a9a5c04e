/**
 * Many clients subscribe to one story. The links of the clients are cut again and again, each at its own times.
 *
 * @module
 */

import { wait } from "../cluster.ts";
import { connects, type RecoveringClient } from "./clients.ts";
import { gather, publish, tell, until } from "./crowd.ts";
import { type Judgement, Ledger } from "./ledger.ts";
import { Balancer, Line } from "./network.ts";
import { seeded } from "./random.ts";

/** The orders for the load. Times are in milliseconds. */
export interface DropsLoad {
  /** The ports of the nodes. */
  readonly ports: readonly number[];
  /** The kind of clients. */
  readonly dialect: string;
  readonly clients: number;
  /** The number of messages, and the time from one to the next. */
  readonly messages: number;
  readonly everyMs: number;
  /** About the time from the end of an outage to the next one, and about the duration of one. */
  readonly cutEveryMs: number;
  readonly downMs: number;
  /** How long after the last message late messages still count. */
  readonly settleMs: number;
  readonly seed: number;
}

/** By which share a time may be longer or shorter. */
const JITTER = 0.2;

/** Runs the load. */
export async function drops(load: DropsLoad): Promise<Judgement> {
  const { ports, dialect, clients, messages, everyMs, cutEveryMs, downMs, settleMs, seed } = load;
  const ledger = new Ledger(clients);
  const balancer = new Balancer(ports);
  const lines: Line[] = [];
  const people: RecoveringClient[] = [];
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let isOver = false;
  await gather(clients, async (client) => {
    const line = await Line.lay(balancer, () => {
      const now = performance.now();
      if (!isOver) ledger.lose(client, now, now);
    });
    lines.push(line);
    const isLive = Promise.withResolvers<void>();
    people.push(
      connects[dialect]!({ ports: [line.port], story: 0 }, {
        hear: (number) => ledger.hear(client, number, performance.now()),
        live(recovered) {
          isLive.resolve();
          ledger.return(client, performance.now(), recovered);
        },
        lose() {}, // the line reports the loss, with the time when the network is back
      }),
    );
    await isLive.promise;
  });
  tell({ ready: true });

  const later = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!isOver) act();
    }, ms);
    timers.add(timer);
  };
  for (const [client, line] of lines.entries()) {
    const random = seeded(seed * 1_000_003 + client);
    const about = (ms: number) => ms * (1 - JITTER + 2 * JITTER * random());
    const fail = () => {
      const [now, ms] = [performance.now(), about(downMs)];
      ledger.lose(client, now, now + ms);
      line.cut();
      // Also after the last message: the network comes back for all clients.
      setTimeout(() => line.heal(), ms);
      later(ms + about(cutEveryMs), fail);
    };
    later(cutEveryMs * random(), fail);
  }
  const start = performance.now();
  for (let number = 0; number < messages; number++) {
    await wait(Math.max(0, start + number * everyMs - performance.now()));
    ledger.publish(number, performance.now());
    const [first, ...others] = ports.map((_, i) => ports[(number + i) % ports.length]!);
    if (await publish([first!, ...others], { number })) ledger.keep(number, performance.now());
  }
  isOver = true;
  for (const timer of timers) clearTimeout(timer);
  await until(() => ledger.missing === 0 && ledger.away === 0, settleMs);
  const judgement = ledger.judge();
  for (const person of people) person.close();
  for (const line of lines) line.close();
  return judgement;
}
