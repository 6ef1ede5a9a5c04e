/**
 * The events that tell a page that it is active or online again.
 *
 * @module
 */

/**
 * Tells the client when to check its connection: when the device wakes up, the network comes back, or the application
 * comes to the foreground.
 *
 * @param wake Call it at these moments. It may be called at any time and as often as you like, and it does not throw.
 * @returns A function that stops it. Called once, when the client closes.
 */
export type ClientLifecycle = (wake: () => void) => () => void;

/** The part of a page's or worker's global object that is used here. */
type PageGlobal = EventTarget & {
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: { readonly visibilityState: string };
};

/** The page is online again, shown again (also from the cache), or unfrozen. Events of the document bubble up. */
const EVENTS = ["online", "pageshow", "visibilitychange", "resume"];

/** The events of a page and its workers. Other platforms have none. */
export const pageLifecycle: ClientLifecycle = (wake) => {
  const page = globalThis as unknown as PageGlobal;
  // Only pages and their workers have `navigator.onLine`.
  if (page.navigator?.onLine === undefined) return () => {};
  const awake = () => {
    if (page.document?.visibilityState !== "hidden") wake();
  };
  for (const event of EVENTS) page.addEventListener(event, awake);
  return () => {
    for (const event of EVENTS) page.removeEventListener(event, awake);
  };
};
