/**
 * Requests of Deno's server. Deno reads their headers late, and not any more when it has upgraded them.
 *
 * @module
 */

import type { LinkRequest } from "../transport.ts";

/** The client's address in the second argument of `Deno.serve`'s handler. A Unix socket has none. */
export function addressOf(platform: unknown): string | undefined {
  const info = platform as { readonly remoteAddr?: { readonly hostname?: unknown } } | null | undefined;
  const hostname = info?.remoteAddr?.hostname;
  return typeof hostname === "string" ? hostname : undefined;
}

/** Whether headers that were read once can be read after an upgrade, too. Deno does not promise it: a first upgrade shows it. */
let headersStay: boolean | undefined;

function entriesOf(headers: Headers): [name: string, value: string][] {
  const list: [string, string][] = [];
  headers.forEach((value, name) => list.push([name, value])); // an iterator, or a copy, costs far more
  return list;
}

function canBeRead(headers: Headers): boolean {
  try {
    return entriesOf(headers).length > 0;
  } catch {
    return false;
  }
}

/** The parts of a request that are kept. */
interface Parts {
  readonly url: string;
  readonly headers: Headers | [name: string, value: string][];
}

/**
 * A request that opens a link. Deno's own request cannot be read after the upgrade. A new one is made only for an
 * application that reads it: Deno aborts the signal of each request, and of each copy, when it has answered.
 */
export class DenoLinkRequest implements LinkRequest {
  readonly address: string | undefined;
  #request: Request | undefined;
  #parts: Parts | undefined;

  /**
   * @param request The server's request.
   * @param address The client's address.
   */
  constructor(request: Request, address: string | undefined) {
    this.#request = request;
    this.address = address;
  }

  get request(): Request {
    const { url, headers } = this.#parts ?? {};
    return this.#request ??= new Request(url!, { headers });
  }

  /**
   * Takes what an upgrade makes unreadable, and lets go of Deno's request, which is large. Call it before the upgrade.
   *
   * @returns Its headers, for {@linkcode learnFrom}.
   */
  outlive(): Headers {
    const { url, headers } = this.request;
    headers.has("upgrade"); // makes Deno read all of them
    this.#parts = { url, headers: headersStay ? headers : entriesOf(headers) };
    this.#request = undefined;
    return headers;
  }
}

/**
 * Learns whether the next upgrades need copies of headers.
 *
 * @param headers The headers of an upgraded request, which were read before.
 */
export function learnFrom(headers: Headers): void {
  headersStay ??= canBeRead(headers);
}

/** Deno's own part of a request, if its server made the request. */
interface Upgrading {
  readonly _wantsUpgrade?: unknown;
}

/** The key under which Deno keeps its own part of a request, once one was seen. */
let ownPart: symbol | undefined;

/**
 * Whether Deno's server made a request, as `Deno.upgradeWebSocket` itself finds out. Nothing documented tells it without
 * an error, which costs far more. So only "yes" can be trusted; after "no", {@linkcode isClosed} decides.
 */
export function isSurelyOfServer(request: Request): boolean {
  ownPart ??= Object.getOwnPropertySymbols(request).find(({ description }) => description === "request");
  if (ownPart === undefined) return false;
  const { [ownPart]: inner } = request as object as Readonly<Record<symbol, Upgrading | undefined>>;
  return typeof inner?._wantsUpgrade === "function";
}

/** Whether an upgrade has taken a request: then its body cannot be read any more. The body of a copy can. */
export function isClosed(request: Request): boolean {
  try {
    return request.body === undefined; // it is null, or it throws
  } catch {
    return true;
  }
}
