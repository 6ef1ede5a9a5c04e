/**
 * Statistics of the server under load.
 *
 * @module
 */

/** The resources of a process. */
export interface Usage {
  /** Resident memory, in bytes. */
  readonly rss: number;
  /** The heap in use, in bytes. */
  readonly heapUsed: number;
  /** The processor time since its start, in milliseconds. */
  readonly cpuMs: number;
  /** The server's own counts. */
  readonly stats?: Counts;
}

/** A server's own counts. Some are in groups. */
export type Counts = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

/**
 * Asks the server.
 *
 * @param port The port of the server.
 * @param collect Whether the server first runs a garbage collection.
 */
export async function usage(port: number, collect: "collect" | "as it is"): Promise<Usage> {
  const answer = await fetch(`http://127.0.0.1:${port}/stats${collect === "collect" ? "?gc" : ""}`);
  return await answer.json();
}

/** The sum of the servers' processor times, in milliseconds. */
async function serversCpuMs(ports: readonly number[]): Promise<number> {
  const all = await Promise.all(ports.map((port) => usage(port, "as it is")));
  return all.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** Measures the duration of a load, and the processor times of server and load client. */
export class Stopwatch {
  readonly #ports: readonly number[];
  #serverCpu = 0;
  #loadCpu = 0;
  #start = 0;

  private constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  /**
   * Starts. There is no garbage collection before: the engine would go on to sweep in the background, for longer with more
   * memory, and that time would count.
   *
   * @param ports The ports of the servers; their processor times are added.
   */
  static async start(...ports: readonly number[]): Promise<Stopwatch> {
    const watch = new Stopwatch(ports);
    watch.#serverCpu = await serversCpuMs(ports);
    watch.#loadCpu = cpuMs();
    watch.#start = performance.now();
    return watch;
  }

  /** The wall time since the start, in milliseconds. */
  get ms(): number {
    return performance.now() - this.#start;
  }

  /** Stops. */
  async stop(): Promise<{ readonly ms: number; readonly cpuMs: number; readonly loadCpuMs: number }> {
    const { ms } = this;
    const loadCpuMs = cpuMs() - this.#loadCpu;
    return { ms, cpuMs: await serversCpuMs(this.#ports) - this.#serverCpu, loadCpuMs };
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
