/**
 * All clients of a killed node reconnect to the other nodes at once.
 *
 * @module
 */

import { percentiles } from "../outcome.ts";
import { connects, type RecoveringClient } from "./clients.ts";
import { gather, publish, tell, until } from "./crowd.ts";
import { type Judgement, Ledger, type Spread } from "./ledger.ts";

/** The orders for the load. */
export interface StormLoad {
  /** The ports of the nodes; the first one will be killed. */
  readonly ports: readonly number[];
  /** The kind of clients. */
  readonly dialect: string;
  readonly clients: number;
  /** How long to wait for the last client, in milliseconds. */
  readonly patienceMs: number;
}

/** The result of a storm. */
export interface StormOutcome {
  readonly clients: number;
  /** From the death of the node until a client was live again, in milliseconds; only clients that came back count. */
  readonly back: Spread;
  /** How many clients did not come back, or get no messages any more. */
  readonly lost: number;
  /** The result for the messages. */
  readonly messages: Judgement;
}

/** One client in so many has missed a message when it reconnects. */
const SOME = 10;
/** The number of the message that all clients must get in the end. */
const LAST = 2;
/** How long messages may take to arrive, in milliseconds. */
const DELIVERY_MS = 10_000;

/** Runs the load: prints when all clients are ready, waits for the death of the first node, and prints when all are back. */
export async function storm({ ports, dialect, clients, patienceMs }: StormLoad): Promise<StormOutcome> {
  const [, ...survivors] = ports;
  const ledger = new Ledger(clients);
  const people: RecoveringClient[] = [];
  const backAt = new Float64Array(clients).fill(NaN);
  let killedAt = NaN;
  let back = 0;
  await gather(clients, async (client) => {
    const isLive = Promise.withResolvers<void>();
    people.push(
      connects[dialect]!({ ports, story: client }, {
        hear: (number) => ledger.hear(client, number, performance.now()),
        live(recovered) {
          isLive.resolve();
          const now = performance.now();
          ledger.return(client, now, recovered);
          if (Number.isNaN(killedAt)) return;
          if (Number.isNaN(backAt[client]!)) back++;
          backAt[client] = now;
        },
        lose() {
          const now = performance.now();
          if (Number.isNaN(killedAt)) killedAt = now;
          ledger.lose(client, now, now);
        },
      }),
    );
    await isLive.promise;
  });
  /** Publishes to all stories, or some, and records it. */
  const say = async (number: number, step: number) => {
    ledger.publish(number, performance.now());
    const isKept = await publish(survivors, { number, count: clients, step });
    if (isKept) ledger.keep(number, performance.now(), step);
  };
  const heard = () => ledger.missing === 0;

  await say(0, 1);
  if (!await until(heard, DELIVERY_MS)) {
    throw new Error("Not every client gets the message that is published to all stories");
  }
  tell({ ready: true });
  if (!await until(() => !Number.isNaN(killedAt), patienceMs)) throw new Error("No node was killed");
  await say(1, SOME);
  await until(() => back === clients, patienceMs);
  tell({ back: true });
  await say(LAST, 1);
  await until(heard, DELIVERY_MS);
  const times = backAt.filter((at) => !Number.isNaN(at)).map((at) => at - killedAt);
  const outcome = {
    clients,
    back: { ...percentiles(times), max: times.at(-1) ?? NaN },
    lost: people.filter((_, client) => !ledger.has(client, LAST) || Number.isNaN(backAt[client]!)).length,
    messages: ledger.judge(),
  };
  for (const person of people) person.close();
  return outcome;
}
