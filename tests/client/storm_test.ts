import { assert } from "@std/assert";
import { Backoff, readReconnect } from "../../client/reconnect.ts";
import { test } from "../harness.ts";

const CLIENTS = 10_000;

/** The defaults of every client. */
const DEFAULTS = readReconnect(undefined, { owner: "createClient", path: "reconnect" });

/** The actions of one client without an answering server, from the loss of its connection on. */
interface Wait {
  /** When each attempt was made, in milliseconds after the loss. */
  readonly attempts: readonly number[];
  /** When it is connected again. */
  readonly backMs: number;
}

/** Lets clients try until the network is there again; every attempt fails at once until then. */
function outage(lastsMs: number, seed: number): Wait[] {
  let state = seed;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return Array.from({ length: CLIENTS }, () => {
    const backoff = new Backoff(DEFAULTS, random);
    const attempts: number[] = [];
    for (let now = 0;;) {
      now += backoff.next(now)!;
      attempts.push(now);
      if (now >= lastsMs) return { attempts, backMs: now };
    }
  });
}

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;

for (const lastsMs of [500, 2_000, 10_000, 30_000, 59_000]) {
  test(`of ${CLIENTS} clients 99 % are back within 3 s of the network, when it was away for ${lastsMs} ms`, () => {
    for (const seed of [1, 2, 3]) {
      const late = outage(lastsMs, seed).map(({ backMs }) => backMs - lastsMs);
      const [p50, p99, max] = [quantile(late, 0.5), quantile(late, 0.99), quantile(late, 1)] as const;
      const figures = `seed ${seed}: p50 ${p50}, p99 ${p99}, max ${max}`;
      assert(p50 < 1_000 && p99 < 2_800 && max < 3_000, figures);
    }
  });
}

test(`a server that is down for 10 minutes is asked by ${CLIENTS} clients less and less`, () => {
  const downMs = 600_000;
  const waits = outage(downMs, 1);
  const perSecond = new Array<number>(downMs / 1_000).fill(0);
  for (const { attempts } of waits) {
    for (const at of attempts) if (at < downMs) perSecond[Math.floor(at / 1_000)]!++;
  }
  const [first, later] = [perSecond.slice(5, 55), perSecond.slice(120)];
  const mean = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count) / counts.length;
  // A wait is half its bound on average: 3 s, and 30 s after the growth.
  assert(Math.abs(mean(first) - CLIENTS / 1.5) < CLIENTS * 0.05, `${mean(first)} a second at first`);
  assert(Math.abs(mean(later) - CLIENTS / 15) < CLIENTS * 0.005, `${mean(later)} a second later`);
  // Nor do they meet in a moment: no second has more than a tenth above the mean.
  assert(Math.max(...first) < mean(first) * 1.1, `${Math.max(...first)} in a second`);
  assert(Math.max(...later) < mean(later) * 1.2, `${Math.max(...later)} in a second`);
  const back = quantile(waits.map(({ backMs }) => backMs - downMs), 0.99);
  assert(back < 30_000, `the last are back after ${back} ms`);
});
