/**
 * The memory and the processor time of programs that cannot tell it themselves. Linux only.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Usage } from "../load/server.ts";

const run = promisify(execFile);

/** The size of a page of memory, in bytes. */
const pageSize = async (): Promise<number> => Number((await run("getconf", ["PAGESIZE"])).stdout);

/** The processor time of all threads, in milliseconds. */
async function cpuMs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(threads.map(async (thread) => {
    const [nanoseconds] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8")).split(" ");
    return Number(nanoseconds) / 1e6;
  }));
  return times.reduce((sum, time) => sum + time, 0);
}

const rss = async (pid: number): Promise<number> =>
  Number((await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1]) * await pageSize();

/**
 * Measures a process. Its heap cannot be measured apart from its other memory.
 *
 * @param pid The number of the process.
 */
export const usageOf = async (pid: number): Promise<Usage> => ({
  rss: await rss(pid),
  heapUsed: 0,
  cpuMs: await cpuMs(pid),
});
