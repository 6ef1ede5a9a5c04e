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

/** What a page and its workers are, as far as it is used here. */
type PageGlobal = EventTarget & {
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: { readonly visibilityState: string };
};

/** Back online; shown again, from the cache too; unfrozen. Those of the document bubble. */
const EVENTS = ["online", "pageshow", "visibilitychange", "resume"];

/** The events of a page and its workers. Elsewhere there are none. */
export const pageLifecycle: ClientLifecycle = (wake) => {
  const page = globalThis as unknown as PageGlobal;
  // Only what has a page tells whether it is online.
  if (page.navigator?.onLine === undefined) return () => {};
  const awake = () => {
    if (page.document?.visibilityState !== "hidden") wake();
  };
  for (const event of EVENTS) page.addEventListener(event, awake);
  return () => {
    for (const event of EVENTS) page.removeEventListener(event, awake);
  };
};
