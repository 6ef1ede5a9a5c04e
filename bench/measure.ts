/**
 * One measurement: a server in one process, a load client in another.
 *
 * @module
 */

import { endWithThis } from "./last_resort.ts";
import { TextLineStream } from "./lines.ts";
import type { Candidate, NativeCandidate } from "./candidates.ts";
import type { GroupsOrder, GrowthOrder, LoadOrder, Unaddressed } from "./load/main.ts";
import type { Outcome } from "./load/outcome.ts";
import { type Counts, type Usage, usage } from "./load/server.ts";
import { type RunningServer, startNative } from "./native/start.ts";
import { pinned, type Runtime } from "./runtimes.ts";

/** The result of one measurement. */
export interface Measurement extends Outcome {
  /** The server's resident memory before the load, in bytes; for `idle`, with the first connections open. */
  readonly rssBefore: number;
  /** The server's resident memory after the load; for `idle`, with all connections open. */
  readonly rssAfter: number;
  /** The server's heap before and after, in bytes. */
  readonly heapBefore: number;
  readonly heapAfter: number;
  /** The server's counts after the load. */
  readonly stats: Counts | undefined;
}

const here = (file: string): string => new URL(file, import.meta.url).pathname;

/** Starts a process and yields its output line by line. */
function start({ command, args }: { readonly command: string; readonly args: string[] }) {
  const child = new Deno.Command(command, { args, stdout: "piped", stderr: "inherit", stdin: "null" })
    .spawn();
  endWithThis(child, child.status);
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  return { child, lines };
}

/** Reads lines until one is JSON. */
async function readJson(lines: ReadableStreamDefaultReader<string>) {
  for (;;) {
    const { value, done } = await lines.read();
    if (done) throw new Error("The process ended without a result");
    if (value.startsWith("{")) return JSON.parse(value);
  }
}

/** Starts a server, and waits until it serves. */
async function startServer(
  candidate: Candidate | NativeCandidate,
  paths: Readonly<Partial<Record<Runtime, string>>>,
): Promise<RunningServer> {
  if ("program" in candidate) return await startNative(candidate.program);
  const { runtime, file } = candidate;
  const server = start(await pinned(runtime, paths[runtime]!, 0, here(`servers/${file}`)));
  const stop = async () => {
    server.child.kill("SIGKILL");
    await server.lines.cancel();
    await server.child.status;
  };
  try {
    const { port } = await readJson(server.lines);
    return { port, statsPort: port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Runs a load client against a server, each in its own process.
 *
 * @param candidate The server.
 * @param order The orders for the load client.
 * @param paths The paths of the runtimes.
 * @param watch Called before the load, with the port that answers `/stats`, and runs it.
 */
export async function underLoad<Outcome>(
  candidate: Candidate | NativeCandidate,
  order: Unaddressed<LoadOrder> | Unaddressed<GrowthOrder> | Unaddressed<GroupsOrder>,
  paths: Readonly<Partial<Record<Runtime, string>>>,
  watch: (statsPort: number, load: () => Promise<Outcome>) => Promise<Outcome> = (_port, load) => load(),
): Promise<Outcome> {
  const server = await startServer(candidate, paths);
  try {
    const { port, statsPort } = server;
    return await watch(statsPort, async () => {
      const load = JSON.stringify({ ...order, port, statsPort, dialect: candidate.dialect });
      const client = start(await pinned("bun", paths.bun!, 1, here("load/main.ts"), load));
      const outcome: Outcome = await readJson(client.lines);
      await client.lines.cancel();
      await client.child.status;
      return outcome;
    });
  } finally {
    await server.stop();
  }
}

/**
 * Measures a server.
 *
 * @param candidate The server.
 * @param order What the load client does.
 * @param paths Where the runtimes are.
 */
export async function measure(
  candidate: Candidate | NativeCandidate,
  order: Unaddressed<LoadOrder>,
  paths: Readonly<Partial<Record<Runtime, string>>>,
): Promise<Measurement> {
  let before: Usage | undefined, after: Usage | undefined;
  const outcome = await underLoad<Outcome>(candidate, order, paths, async (statsPort, load) => {
    before = await usage(statsPort, "collect");
    const outcome = await load();
    before = outcome.open?.first ?? before;
    after = outcome.open?.all ?? await usage(statsPort, "collect");
    return outcome;
  });
  return {
    ...outcome,
    rssBefore: before!.rss,
    rssAfter: after!.rss,
    heapBefore: before!.heapUsed,
    heapAfter: after!.heapUsed,
    stats: after!.stats,
  };
}
