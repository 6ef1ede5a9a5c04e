/**
 * One measurement: a server in one process, a load client in another.
 *
 * @module
 */

import { TextLineStream } from "./lines.ts";
import type { Candidate } from "./candidates.ts";
import type { GrowthOrder, LoadOrder } from "./load/main.ts";
import type { Outcome } from "./load/outcome.ts";
import { type Usage, usage } from "./load/server.ts";
import { pinned, type Runtime } from "./runtimes.ts";

/** The result of one measurement. */
export interface Measurement extends Outcome {
  /** The server's resident memory before the load, in bytes. */
  readonly rssBefore: number;
  /** The server's resident memory after the load; for `idle`, while the connections are open. */
  readonly rssAfter: number;
  /** The server's heap before and after, in bytes. */
  readonly heapBefore: number;
  readonly heapAfter: number;
  /** The server's counts after the load. */
  readonly stats: Readonly<Record<string, number>> | undefined;
}

const here = (file: string): string => new URL(file, import.meta.url).pathname;

/** Starts a process and yields its output line by line. */
function start({ command, args }: { readonly command: string; readonly args: string[] }) {
  const child = new Deno.Command(command, { args, stdout: "piped", stderr: "inherit", stdin: "null" })
    .spawn();
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

/**
 * Runs a load client against a server, each in its own process.
 *
 * @param candidate The server.
 * @param order The orders for the load client.
 * @param paths The paths of the runtimes.
 * @param watch Called before and after the load, with the server's port.
 */
export async function underLoad<Outcome>(
  { runtime, file, dialect }: Candidate,
  order: Omit<LoadOrder | GrowthOrder, "port" | "dialect">,
  paths: Readonly<Partial<Record<Runtime, string>>>,
  watch: (port: number, load: () => Promise<Outcome>) => Promise<Outcome> = (_port, load) => load(),
): Promise<Outcome> {
  const server = start(await pinned(runtime, paths[runtime]!, 0, here(`servers/${file}`)));
  try {
    const { port } = await readJson(server.lines);
    return await watch(port, async () => {
      const load = JSON.stringify({ ...order, port, dialect });
      const client = start(await pinned("bun", paths.bun!, 1, here("load/main.ts"), load));
      const outcome: Outcome = await readJson(client.lines);
      await client.lines.cancel();
      await client.child.status;
      return outcome;
    });
  } finally {
    server.child.kill("SIGKILL");
    await server.lines.cancel();
    await server.child.status;
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
  candidate: Candidate,
  order: Omit<LoadOrder, "port" | "dialect">,
  paths: Readonly<Partial<Record<Runtime, string>>>,
): Promise<Measurement> {
  let before: Usage | undefined, after: Usage | undefined;
  const outcome = await underLoad<Outcome>(candidate, order, paths, async (port, load) => {
    before = await usage(port, "collect");
    const outcome = await load();
    after = outcome.open ?? await usage(port, "collect");
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
