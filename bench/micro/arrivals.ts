/**
 * Clients that come and go, without sockets: the hub's part of a connection, from its request to its welcome.
 *
 * `bun run bench/micro/arrivals.ts` (or `deno run -A`) prints what the first thousands of clients of a process cost. This is
 * mostly the work of the engine's compilers, which a benchmark of warm code does not show.
 *
 * @module
 */

import process from "node:process";
import type {
  Link,
  LinkAcceptor,
  LinkEvents,
  LinkRequest,
  Transport,
} from "@trunkline/hub/transports/transport";
import { createMeasuredHub } from "../hub.ts";
import { TurnClock } from "./turn_clock.ts";

/** How many clients come in one turn. The hub lets as many begin. */
export const AT_ONCE = 16;

/** The first frame of a client, and the beginning of the message that ends its arrival. */
export const HELLOS = {
  "up to the welcome": { hello: '[["hello",{"role":"member"}]]', last: '"welcome"' },
  "up to the answer to a subscribe": {
    hello: '[["hello",{"role":"member","topics":[[1,"line/000000"]]}]]',
    last: '["res",1',
  },
} as const;

/** A hub that is ready, without a transport's cost. */
export async function createArrivals() {
  let acceptor!: LinkAcceptor;
  const transport: Transport = { name: "none", attach: (given) => void (acceptor = given) };
  const clock = new TurnClock();
  const hub = createMeasuredHub({ transports: [transport], clock });
  await hub.ready;
  const http = new Request("http://127.0.0.1:8000/realtime", { headers: { host: "127.0.0.1:8000" } });

  const open = (request: LinkRequest, hello: string, last: string, done: () => void) => {
    const link: Link = {
      subprotocol: "trunkline.v1.json",
      bufferedAmount: 0,
      send: (frame) => void ((frame as string).includes(last) && done()),
      close: (code, reason) => {
        throw new Error(`The hub has closed a link: ${code} ${reason}`);
      },
    };
    const client = acceptor.accept(link, request);
    client.message(hello);
    return client;
  };

  /** Some clients come in one turn. Resolves when all have what they wait for. */
  async function come(name: keyof typeof HELLOS): Promise<LinkEvents[]> {
    const { hello, last } = HELLOS[name];
    const { promise, resolve } = Promise.withResolvers<void>();
    const clients: LinkEvents[] = [];
    let left = AT_ONCE;
    const done = () => void (--left === 0 && resolve());
    for (let i = 0; i < AT_ONCE; i++) {
      const request = { request: http, address: "127.0.0.1" };
      if (acceptor.admit(request)) throw new Error("The hub has refused a client");
      const begin = () => void clients.push(open(request, hello, last, done));
      acceptor.waitToOpen?.()?.then(begin) ?? begin();
    }
    let over = false;
    promise.then(() => over = true);
    while (!over) {
      await Promise.resolve();
      clock.endTurn();
    }
    return clients;
  }

  /** They go again. */
  function go(clients: readonly LinkEvents[]): void {
    for (const client of clients as (LinkEvents & { freed(): void })[]) {
      client.close(1_000, "");
      client.freed();
    }
    clock.endTurn();
  }

  return { come, go };
}

/** How many clients to measure together, a multiple of the clients of one turn; and how often. */
const CHUNK = 992;
const CHUNKS = 40;

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

if (import.meta.main) {
  for (const name of Object.keys(HELLOS) as (keyof typeof HELLOS)[]) {
    const { come } = await createArrivals();
    const costs: number[] = [];
    const kept: LinkEvents[] = [];
    while (costs.length < CHUNKS) {
      const before = cpuUs();
      for (let i = 0; i < CHUNK; i += AT_ONCE) kept.push(...await come(name));
      costs.push((cpuUs() - before) / CHUNK);
    }
    const mean = (of: readonly number[]) => of.reduce((sum, cost) => sum + cost, 0) / of.length;
    const us = (cost: number) => cost.toFixed(1).padStart(6);
    console.log(
      `${name}, in µs of processor time: the first thousand${us(costs[0]!)}, the next ten${
        us(mean(costs.slice(1, 11)))
      }, ` +
        `the last twenty${us(mean(costs.slice(-20)))}`,
    );
  }
  process.exit(0);
}
