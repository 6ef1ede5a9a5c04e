/**
 * Where to connect to.
 *
 * @module
 */

/** The address of a hub, several of them, or a function that knows it. */
export type ClientUrl =
  | string
  | URL
  | readonly (string | URL)[]
  | (() => string | URL | Promise<string | URL>);

const SCHEMES: Readonly<Record<string, string>> = {
  "http:": "ws:",
  "https:": "wss:",
  "ws:": "ws:",
  "wss:": "wss:",
};

/** The address as a WebSocket takes it. Messages never hold more than its origin and path: the rest may be secret. */
function toSocketUrl(address: string | URL): string {
  let url: URL;
  try {
    url = new URL(address, globalThis.location?.href);
  } catch {
    throw new TypeError("Cannot use the url: it is not an absolute URL");
  }
  const scheme = SCHEMES[url.protocol];
  if (!scheme) {
    throw new TypeError(`Cannot use a url that starts with "${url.protocol}": use ws, wss, http or https`);
  }
  url.protocol = scheme;
  url.hash = "";
  return url.href;
}

/** The addresses of a hub, and which of them is next. */
export class Addresses {
  readonly #ask: (() => string | URL | Promise<string | URL>) | undefined;
  readonly #list: readonly string[];
  #index = 0;

  /**
   * @param url What the user gave.
   * @throws {TypeError} When there is none, or one is not of a WebSocket.
   */
  constructor(url: ClientUrl) {
    this.#ask = typeof url === "function" ? url : undefined;
    const written = typeof url === "string" || url instanceof URL
      ? [url]
      : typeof url === "function"
      ? []
      : url;
    this.#list = written.map(toSocketUrl);
    if (!this.#ask && this.#list.length === 0) throw new TypeError("Cannot create a client without a url");
  }

  /**
   * The address to try now.
   *
   * @throws {TypeError} When a function gave none of a WebSocket; whatever the function throws.
   */
  async current(): Promise<string> {
    return this.#ask ? toSocketUrl(await this.#ask()) : this.#list[this.#index]!;
  }

  /** Goes on to the next address. */
  advance(): void {
    if (this.#list.length > 0) this.#index = (this.#index + 1) % this.#list.length;
  }
}
