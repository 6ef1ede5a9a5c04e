/**
 * Does something again and again, never twice at once.
 *
 * @param everyMs The time between two starts, where the work takes less.
 * @param work What to do; what it throws ends nothing.
 * @returns Stops it.
 */
export function repeat(everyMs: number, work: () => void | Promise<void>): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = async (): Promise<void> => {
    const startedAt = performance.now();
    try {
      await work();
    } catch (error) {
      if (!stopped) console.error(error);
    }
    if (!stopped) timer = setTimeout(run, Math.max(0, everyMs - (performance.now() - startedAt)));
  };
  void run();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
