/**
 * What a page knows of its life.
 *
 * @module
 */

/**
 * Says when the client should look whether its connection still works: the device woke up, the network came back, the
 * application is in the foreground again.
 *
 * @param wake What to call then. It may be called at any time, as often as wanted, and does not throw.
 * @returns A function that stops it; called once, when the client closes.
 */
export type ClientLifecycle = (wake: () => void) => () => void;

/** The global object of a page or of its worker, as far as it is used. */
interface PageGlobal extends Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">> {
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: EventTarget & { readonly visibilityState: string };
}

/** The events of a page and its workers: back online, shown again, unfrozen. Elsewhere there are none. */
export const pageLifecycle: ClientLifecycle = (wake) => {
  const page = globalThis as PageGlobal;
  const { document } = page;
  const taken: (() => void)[] = [];
  const listen = (target: PageGlobal | undefined, ...events: string[]) => {
    for (const event of events) {
      target?.addEventListener?.(event, awake);
      taken.push(() => target?.removeEventListener?.(event, awake));
    }
  };
  const awake = () => {
    if (document?.visibilityState !== "hidden") wake();
  };
  // Only what has a page tells whether it is online.
  if (page.navigator?.onLine !== undefined) {
    listen(page, "online", "pageshow");
    listen(document as PageGlobal, "visibilitychange", "resume");
  }
  return () => taken.forEach((stop) => stop());
};
