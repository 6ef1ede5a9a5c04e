/**
 * The WebSocket transport of a hub, on Deno and Bun.
 *
 * @module
 */

import { createBunHandler, createBunSkin, joinBunHandlers } from "./bun.ts";
import { createDenoSkin } from "./deno.ts";
import type { WebSocketSkin } from "./skin.ts";
import { flag } from "../../contract/options/option_kinds.ts";
import { or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { chooseSubprotocol } from "../kit/subprotocol.ts";
import type { BunSocket, BunWebSocketHandler } from "./bun_handler.ts";
import type { LinkAcceptor, Transport } from "../transport.ts";

export { type BunSocket, type BunWebSocketHandler, joinBunHandlers };

/** Options of {@linkcode createWebSocketTransport}. */
export interface WebSocketTransportOptions {
  /**
   * Whether frames are compressed, for clients that support it. It costs time and memory per connection. Only Bun's
   * server supports it: Deno's server never compresses.
   *
   * @default {false}
   */
  readonly perMessageDeflate?: boolean;
}

/** The only version of the WebSocket protocol. RFC 6455, 4.1. */
const PROTOCOL_VERSION = "13";

const STRIPPED =
  "Refused a WebSocket without its Upgrade header: a proxy in between must pass on Upgrade and Connection, " +
  "over HTTP/1.1";

const NO_URL = "Cannot upgrade to a WebSocket: the request's Host header is not a host";

/** A token of HTTP. A subprotocol must be a token. RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const NO_SERVER =
  "Cannot upgrade to a WebSocket here: serve with Deno.serve, or with Bun.serve and pass its server on: " +
  "fetch: (request, server) => app.fetch(request, server)";

/** The entries of a header that holds a list. */
function listOf(header: string): string[] {
  return header.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
}

function isUpgrade({ method, headers }: Request): boolean {
  // `has` first: it makes Deno read all headers at once. Before, each `get` is a call out of JavaScript.
  if (method !== "GET" || !headers.has("upgrade")) return false;
  const wanted = headers.get("upgrade")!;
  return wanted === "websocket" || listOf(wanted).some((protocol) => protocol.toLowerCase() === "websocket");
}

/** Chooses from the subprotocols that the client offers, without those that cannot be in the header of the answer. */
function choose(offer: string, spoken: readonly string[]): string {
  if (spoken.includes(offer)) return offer; // most clients offer one
  return chooseSubprotocol(listOf(offer).filter((entry) => TOKEN.test(entry)), spoken);
}

/** Carries connections over WebSockets. Made by {@linkcode createWebSocketTransport}. */
export interface WebSocketTransport extends Transport {
  /**
   * The value that Bun's server must get as `websocket`; `undefined` before a hub is attached. Deno's server needs
   * none.
   */
  readonly websocket: BunWebSocketHandler | undefined;
  /** See `Transport.fetch`. */
  fetch(request: Request, platform: unknown, headers?: Headers): Response | Promise<Response> | undefined;
}

const OPTIONS = { perMessageDeflate: or(flag, false) } satisfies Rows<WebSocketTransportOptions>;

class Sockets implements WebSocketTransport {
  readonly name = "websocket";
  readonly #perMessageDeflate: boolean;
  readonly #skins: readonly WebSocketSkin[];
  #acceptor: LinkAcceptor | undefined;
  #websocket: BunWebSocketHandler | undefined;

  constructor(options: WebSocketTransportOptions | undefined) {
    const { perMessageDeflate } = readOptions("createWebSocketTransport", options, OPTIONS);
    this.#perMessageDeflate = perMessageDeflate;
    this.#skins = [createBunSkin({ perMessageDeflate }), createDenoSkin()];
  }

  get websocket(): BunWebSocketHandler | undefined {
    return this.#websocket;
  }

  attach(acceptor: LinkAcceptor): void {
    if (this.#acceptor) {
      throw new TypeError("Cannot give one WebSocket transport to two hubs: create one for each");
    }
    this.#acceptor = acceptor;
    const { maxFrameBytes } = acceptor;
    this.#websocket = createBunHandler({ maxFrameBytes, perMessageDeflate: this.#perMessageDeflate });
  }

  fetch(request: Request, platform: unknown, headers?: Headers): Response | Promise<Response> | undefined {
    const acceptor = this.#acceptor;
    if (!acceptor) {
      throw new TypeError(
        "Cannot answer a request: this transport has no hub. Give it to createHub, in transports",
      );
    }
    if (!isUpgrade(request)) {
      if (request.headers.has("sec-websocket-key")) acceptor.refused?.(STRIPPED);
      return undefined;
    }
    const version = request.headers.get("sec-websocket-version");
    if (version !== PROTOCOL_VERSION) {
      const offered = JSON.stringify(version?.slice(0, 32) ?? "none");
      acceptor.refused?.(
        `Refused version ${offered} of WebSocket: the only version is ${PROTOCOL_VERSION}`,
      );
      const headers = { "sec-websocket-version": PROTOCOL_VERSION };
      return new Response("Cannot upgrade to this version of WebSocket\n", { status: 426, headers });
    }
    if (!URL.canParse(request.url)) { // functions of the application read it, and would throw
      acceptor.refused?.(NO_URL);
      return new Response(`${NO_URL}\n`, { status: 400 });
    }
    for (const skin of this.#skins) {
      const upgradable = skin.recognise(request, platform);
      if (!upgradable) continue;
      const { link } = upgradable;
      const refused = acceptor.admit(link);
      if (refused) return refused;
      const offer = request.headers.get("sec-websocket-protocol") ?? "";
      const subprotocol = choose(offer, acceptor.subprotocols);
      const opening = { subprotocol, offer, headers };
      const wait = acceptor.waitToOpen?.();
      return wait
        ? wait.then(() => upgradable.upgrade(acceptor, opening))
        : upgradable.upgrade(acceptor, opening);
    }
    acceptor.refused?.(NO_SERVER);
    return new Response(`${NO_SERVER}\n`, { status: 501 });
  }
}

/**
 * Makes the transport that carries connections over WebSockets, on Deno and Bun. A hub has one by default.
 *
 * On Bun the server must get `hub.websocket` beside `fetch`, and `fetch` must pass the server on. With Hono, `export
 * default { fetch: app.fetch, websocket: hub.websocket }` does both.
 *
 * @param options Whether frames are compressed.
 *
 * @example
 * ```ts
 * import { createWebSocketTransport } from "@trunkline/hub/transports/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = createWebSocketTransport({ perMessageDeflate: true });
 * assertEquals(transport.name, "websocket");
 * ```
 */
export function createWebSocketTransport(options?: WebSocketTransportOptions): WebSocketTransport {
  return new Sockets(options);
}
