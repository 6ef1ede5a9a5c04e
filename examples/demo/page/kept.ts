/**
 * Values that survive a reload. If the browser forbids that, they last as long as the page.
 *
 * @module
 */

/** Keeps values in a storage of the browser. */
class Kept {
  readonly #storage: () => Storage;
  readonly #values = new Map<string, string>();

  /** @param storage Gets the storage. It throws if the user has blocked cookies. */
  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  get(key: string): string | null {
    try {
      return this.#storage().getItem(key);
    } catch {
      return this.#values.get(key) ?? null;
    }
  }

  set(key: string, value: string): void {
    this.#values.set(key, value);
    try {
      this.#storage().setItem(key, value);
    } catch {
      // Forbidden, or full: this page has the value all the same.
    }
  }
}

/** As long as the tab is open. */
export const keptInTab = new Kept(() => sessionStorage);

/** For all windows of this browser. */
export const keptInBrowser = new Kept(() => localStorage);
