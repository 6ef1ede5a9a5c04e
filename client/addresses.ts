/**
 * Where to connect to.
 *
 * @module
 */

import type { WebUrl } from "../contract/mod.ts";

/** The address of a hub, a list of addresses, or a function that returns one. */
export type ClientUrl =
  | string
  | WebUrl
  | readonly (string | WebUrl)[]
  | (() => string | WebUrl | Promise<string | WebUrl>);

type Ask = Extract<ClientUrl, (...args: never) => unknown>;

const SCHEMES: Readonly<Record<string, string>> = { http: "ws", https: "wss", ws: "ws", wss: "wss" };

/** The scheme of an absolute URL, and the rest of it without the fragment. */
const ABSOLUTE = /^([a-z][a-z0-9+.-]*):([^#]*)/i;

/** The address as a WebSocket takes it. Messages never hold more than its origin and path: the rest may be secret. */
function toSocketUrl(address: unknown): string {
  let written = "";
  try {
    if (typeof address !== "string" && !(address instanceof URL)) throw address;
    written = `${address}`.trim();
    const url = new URL(written, globalThis.location?.href);
    // An absolute one stays as it is written: React Native's URL adds a slash, and cannot tell its parts.
    if (!ABSOLUTE.test(written)) written = url.href;
  } catch {
    throw new TypeError(
      'Cannot use the url: it is not an absolute URL; give one like "wss://HOST/PATH" ("/PATH" will do in a page)',
    );
  }
  const [, scheme = "", rest] = ABSOLUTE.exec(written) ?? [];
  const known = SCHEMES[scheme.toLowerCase()];
  if (!known) {
    throw new TypeError(`Cannot use a url that starts with "${scheme}:": use ws, wss, http or https`);
  }
  return `${known}:${rest}`;
}

/**
 * An address as messages show it: without a password, a query or a fragment, which may be secret.
 *
 * @param url An address.
 */
export function showAddress(url: string): string {
  return url.replace(/\?.*/s, "").replace(/^(\w+:[\\/]*)[^\\/]*@/, "$1");
}

/** The addresses of a hub, and which of them is next. */
export class Addresses {
  readonly #ask: Ask | undefined;
  readonly #list: readonly string[];
  readonly #random: () => number;
  #index = 0;
  #untried: number[] = [];

  /**
   * @param url What the user gave.
   * @param random Where the choice comes from: a number from 0 up to, not including, 1.
   * @throws {TypeError} When there is none, or one is not of a WebSocket.
   */
  constructor(url: unknown, random: () => number) {
    this.#random = random;
    this.#ask = typeof url === "function" ? url as Ask : undefined;
    const written = this.#ask || url === undefined ? [] : Array.isArray(url) ? url : [url];
    this.#list = written.map(toSocketUrl);
    if (!this.#ask && written.length === 0) throw new TypeError("Cannot create a client without a url");
  }

  /**
   * The address to try now.
   *
   * @throws {TypeError} When a function gave none of a WebSocket; whatever the function throws.
   */
  async current(): Promise<string> {
    return this.#ask ? toSocketUrl(await this.#ask()) : this.#list[this.#index]!;
  }

  /**
   * Goes on to another address, drawn at random from those that were not tried since all were: the clients of a node
   * that goes away spread over the others.
   */
  advance(): void {
    if (this.#untried.length === 0) this.#untried = [...this.#list.keys()].filter((i) => i !== this.#index);
    if (this.#untried.length === 0) return;
    [this.#index] = this.#untried.splice(Math.floor(this.#random() * this.#untried.length), 1) as [number];
  }
}
