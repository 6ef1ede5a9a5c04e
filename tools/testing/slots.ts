/**
 * Runs tasks at the same time, as many as the processors can do.
 *
 * @module
 */

import { cpus } from "node:os";

/** How many tasks run at once. */
export interface Slots {
  /** How many always run, as long as there are enough tasks. */
  readonly least: number;
  /** How many run at most. More than `least` run only if processors are idle. */
  readonly most: number;
  /**
   * The share of the processors' time that was idle since the last call, from 0 to 1.
   *
   * @default The idle time of this machine.
   */
  readonly idle?: () => number;
  /**
   * Resolves when it is time to look at the processors again.
   *
   * @default After 3 seconds: a new task needs some time before it uses a processor.
   */
  readonly pause?: () => Promise<void>;
}

/** From this share of idle time on, one more task begins. */
const IDLE = 0.3;

const PAUSE_MS = 3_000;

/** Measures the idle time of this machine's processors. */
function idleTime(): () => number {
  const measure = () => {
    const times = cpus().map(({ times }) => times);
    const idle = times.reduce((sum, { idle }) => sum + idle, 0);
    const busy = times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0);
    return { idle, all: idle + busy };
  };
  let last = measure();
  return () => {
    const now = measure();
    const [idle, all] = [now.idle - last.idle, now.all - last.all];
    last = now;
    return all > 0 ? idle / all : 0;
  };
}

/**
 * Runs tasks in their order. Some tasks mostly wait, and others mostly work. So a fixed number of tasks would either leave the
 * processors idle or ask too much of them.
 *
 * @param tasks The tasks.
 * @param slots How many of them run at once.
 */
export async function runInSlots(tasks: readonly (() => Promise<void>)[], slots: Slots): Promise<void> {
  const { least, most, idle = idleTime() } = slots;
  const pause = slots.pause ?? (() => new Promise((resolve) => setTimeout(resolve, PAUSE_MS)));
  const rest = [...tasks];
  const running = new Set<Promise<void>>();
  const begin = () => {
    const run: Promise<void> = rest.shift()!().finally(() => running.delete(run));
    running.add(run);
  };
  while (rest.length > 0) {
    if (running.size < least) {
      begin();
      continue;
    }
    const paused = pause().then(() => true);
    const isTimeToLook = await Promise.race([paused, ...[...running].map((run) => run.then(() => false))]);
    if (isTimeToLook && idle() > IDLE && running.size < most) begin();
  }
  await Promise.all(running);
}
