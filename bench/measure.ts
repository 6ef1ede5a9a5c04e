/**
 * One measurement: a server in one process, a load client in another.
 *
 * @module
 */

import { TextLineStream } from "./lines.ts";
import type { Candidate } from "./candidates.ts";
import type { LoadOrder } from "./load/main.ts";
import type { Outcome } from "./load/shapes.ts";
import { pinned, type Runtime } from "./runtimes.ts";

/** What one measurement yields. */
export interface Measurement extends Outcome {
  /** The server's resident memory before the load, in bytes. */
  readonly rssBefore: number;
  /** The same afterwards; for `idle` while the connections are open. */
  readonly rssAfter: number;
  /** The server's heap before and after, in bytes. */
  readonly heapBefore: number;
  readonly heapAfter: number;
  /** The processor time that the server took for the load, in milliseconds: it hardly depends on who else is busy. */
  readonly cpuMs: number;
  /** What the server counts afterwards. */
  readonly stats: Readonly<Record<string, number>> | undefined;
}

interface Stats {
  readonly rss: number;
  readonly heapUsed: number;
  readonly cpuMs: number;
  readonly stats?: Readonly<Record<string, number>>;
}

const here = (file: string): string => new URL(file, import.meta.url).pathname;

/** Starts a process and gives its output line by line. */
function start({ command, args }: { readonly command: string; readonly args: string[] }) {
  const child = new Deno.Command(command, { args, stdout: "piped", stderr: "inherit", stdin: "null" })
    .spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  return { child, lines };
}

/** Reads lines until there is one of JSON. */
async function readJson(
  lines: ReadableStreamDefaultReader<string>,
  onLine?: (line: string) => Promise<void>,
) {
  for (;;) {
    const { value, done } = await lines.read();
    if (done) throw new Error("The process ended without a result");
    if (value.startsWith("{")) return JSON.parse(value);
    await onLine?.(value);
  }
}

/**
 * Measures.
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
  const { runtime, file, dialect } = candidate;
  const server = start(await pinned(runtime, paths[runtime]!, 0, here(`servers/${file}`)));
  try {
    const { port } = await readJson(server.lines);
    const stats = async (): Promise<Stats> => await (await fetch(`http://127.0.0.1:${port}/stats`)).json();
    const before = await stats();
    const load = JSON.stringify({ ...order, port, dialect });
    const client = start(await pinned("bun", paths.bun!, 1, here("load/main.ts"), load));
    let after: Stats | undefined;
    const outcome: Outcome = await readJson(client.lines, async (line) => {
      if (line === "open") after = await stats();
    });
    await client.lines.cancel();
    await client.child.status;
    after ??= await stats();
    return {
      ...outcome,
      rssBefore: before.rss,
      rssAfter: after.rss,
      heapBefore: before.heapUsed,
      heapAfter: after.heapUsed,
      cpuMs: after.cpuMs - before.cpuMs,
      stats: after.stats,
    };
  } finally {
    server.child.kill("SIGKILL");
    await server.lines.cancel();
    await server.child.status;
  }
}
