/**
 * The addresses of the hub that a client connects to.
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

/** Splits an absolute URL into its scheme and the rest, without the fragment. */
const ABSOLUTE = /^([a-z][a-z0-9+.-]*):([^#]*)/i;

/**
 * Converts an address to the form that a WebSocket takes. Errors never show the address, because it may hold a
 * secret.
 */
function toSocketUrl(address: unknown): string {
  let written = "";
  try {
    if (typeof address !== "string" && !(address instanceof URL)) throw address;
    written = `${address}`.trim();
    const url = new URL(written, globalThis.location?.href);
    // An absolute URL stays as written: React Native's `URL` adds a slash, and cannot split a URL into its parts.
    if (!ABSOLUTE.test(written)) written = url.href;
  } catch {
    throw new TypeError(
      'Cannot use the url: give an absolute one, like "wss://HOST/PATH" (in a page, "/PATH" is enough)',
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
 * An address as errors show it: without password, query and fragment, which may be secret.
 *
 * @param url An address.
 */
export function showAddress(url: string): string {
  return url.replace(/\?.*/s, "").replace(/^(\w+:[\\/]*)[^\\/]*@/, "$1");
}

/** The addresses of a hub, and which of them is used next. */
export class Addresses {
  readonly #ask: Ask | undefined;
  readonly #list: readonly string[];
  readonly #random: () => number;
  #index = 0;
  #untried: number[] = [];

  /**
   * @param url The option `url`, as the user gave it.
   * @param random Source of random numbers: from 0 up to, not including, 1.
   * @throws {TypeError} When there is no address, or when one cannot be the address of a WebSocket.
   */
  constructor(url: unknown, random: () => number) {
    this.#random = random;
    this.#ask = typeof url === "function" ? url as Ask : undefined;
    // A list without addresses is refused as an address itself.
    const written = this.#ask ? [] : Array.isArray(url) && url.length > 0 ? url : [url];
    this.#list = written.map(toSocketUrl);
  }

  /**
   * Returns the address to try now.
   *
   * @throws {TypeError} When the user's function returned an address that a WebSocket cannot use. Also throws what
   * that function throws.
   */
  async current(): Promise<string> {
    return this.#ask ? toSocketUrl(await this.#ask()) : this.#list[this.#index]!;
  }

  /**
   * Moves to another address. It is drawn at random from the addresses that were not tried in this round. So when a
   * node goes away, its clients spread over the other nodes.
   */
  advance(): void {
    if (this.#untried.length === 0) this.#untried = [...this.#list.keys()].filter((i) => i !== this.#index);
    if (this.#untried.length === 0) return;
    [this.#index] = this.#untried.splice(Math.floor(this.#random() * this.#untried.length), 1) as [number];
  }
}
