/**
 * What the server under load says of itself.
 *
 * @module
 */

/** What a process takes. */
export interface Usage {
  /** Resident memory, in bytes. */
  readonly rss: number;
  /** The heap in use, in bytes. */
  readonly heapUsed: number;
  /** The processor time since its start, in milliseconds. */
  readonly cpuMs: number;
  /** What the server counts. */
  readonly stats?: Readonly<Record<string, number>>;
}

/**
 * Asks the server.
 *
 * @param port Where it listens.
 * @param collect Whether it is to collect its garbage first.
 */
export async function usage(port: number, collect: "collect" | "as it is"): Promise<Usage> {
  const answer = await fetch(`http://127.0.0.1:${port}/stats${collect === "collect" ? "?gc" : ""}`);
  return await answer.json();
}

/** Times a load, in wall time and in the processor times of both ends. */
export class Stopwatch {
  readonly #port: number;
  #serverCpu = 0;
  #loadCpu = 0;
  #start = 0;

  private constructor(port: number) {
    this.#port = port;
  }

  /**
   * Starts. No garbage is collected before: the engine would go on to sweep in the background, the longer the more
   * memory there is, and that would be counted.
   */
  static async start(port: number): Promise<Stopwatch> {
    const watch = new Stopwatch(port);
    watch.#serverCpu = (await usage(port, "as it is")).cpuMs;
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
    return { ms, cpuMs: (await usage(this.#port, "as it is")).cpuMs - this.#serverCpu, loadCpuMs };
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
