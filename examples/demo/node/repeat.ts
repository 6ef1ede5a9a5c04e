/**
 * Repeats work, but never starts it before the last run has ended.
 *
 * @param everyMs The time between two starts, if the work takes less.
 * @param work The work. If it throws, the repetition goes on.
 * @returns A function that stops it.
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
