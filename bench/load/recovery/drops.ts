/**
 * A story that many clients hear, whose links are cut again and again, each for itself.
 *
 * @module
 */

import { wait } from "../cluster.ts";
import { connects, type RecoveringClient } from "./clients.ts";
import { gather, publish, tell, until } from "./crowd.ts";
import { type Judgement, Ledger } from "./ledger.ts";
import { Balancer, Line } from "./network.ts";
import { seeded } from "./random.ts";

/** What the load is told. Times are in milliseconds. */
export interface DropsLoad {
  /** Where the nodes listen. */
  readonly ports: readonly number[];
  /** Whose clients they are. */
  readonly dialect: string;
  readonly clients: number;
  /** How many messages, and how long from one to the next. */
  readonly messages: number;
  readonly everyMs: number;
  /** How long from the end of an outage to the next one, about; and how long one takes, about. */
  readonly cutEveryMs: number;
  readonly downMs: number;
  /** How long after the last message what is late still counts. */
  readonly settleMs: number;
  readonly seed: number;
}

/** How much longer or shorter a time may be than it is about. */
const JITTER = 0.2;

/** Runs it. */
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
        lose() {}, // the line knows better
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
      // Also when all is said: the network comes back for everybody.
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
