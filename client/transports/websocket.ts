/**
 * The WebSocket transport of clients. It uses the platform's `WebSocket`, which browsers, Deno, Bun and Node 22 have.
 *
 * @module
 */

import { startOf, utf8Size, type WebSocketClass } from "../../contract/mod.ts";
import type { ClientTransport, Link } from "../../transports/transport.ts";
import { showAddress } from "../addresses.ts";

/** A close frame holds 125 bytes. Two of them are for the code (RFC 6455, sections 5.5 and 5.5.1). */
const MAX_REASON_BYTES = 123;

/** The link ended without a close frame (RFC 6455, section 7.4.1). */
const ABNORMAL_CLOSURE = 1006;

/**
 * Explains what may be behind a failed upgrade. After a refused upgrade over TLS, some runtimes try HTTP/2, and
 * report only how that failed.
 */
function explain(reason: string): string {
  if (!/stream error|protocol error/i.test(reason)) return reason;
  return `${reason}: perhaps a refusal (403, 429 or 503), which this platform hides`;
}

/** Removes addresses from an error text: Bun shows the whole address, with its secrets. */
function hideSecrets(text: string): string {
  return text.replace(/\w+:\/\/[^\s'"]+/g, showAddress);
}

function cutReason(reason: string): string {
  let cut = startOf(reason, MAX_REASON_BYTES);
  while (utf8Size(cut) > MAX_REASON_BYTES) cut = startOf(cut, cut.length - 1);
  return cut;
}

/**
 * Makes the transport that clients use by default.
 *
 * @param Socket The WebSocket class to use. Default: the platform's.
 * @throws {TypeError} When the platform has no `WebSocket`.
 *
 * @example
 * ```ts
 * import { createWebSocketClientTransport } from "@trunkline/hub/client";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = createWebSocketClientTransport();
 * assertEquals(typeof transport.connect, "function");
 * ```
 */
export function createWebSocketClientTransport(
  Socket: WebSocketClass | undefined = globalThis.WebSocket,
): ClientTransport {
  if (!Socket) {
    throw new TypeError(
      "Cannot connect: this platform has no WebSocket; use Node 22 or newer, or pass `transport`",
    );
  }
  return {
    connect(url, subprotocols, events) {
      const socket = new Socket(url, [...subprotocols]);
      socket.binaryType = "arraybuffer";
      let [opened, over, problem] = [false, false, ""];
      const end = (code: number, reason: string) => {
        if (over) return;
        over = true;
        events.close(code, opened ? reason : explain(reason));
      };
      const close = (code: number, reason: string) => socket.close(code, cutReason(reason));
      socket.onopen = () => {
        opened = true;
        const link: Link = {
          subprotocol: socket.protocol,
          get bufferedAmount() {
            return socket.bufferedAmount;
          },
          send: (frame) => socket.send(frame),
          close,
        };
        events.open(link);
      };
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
        events.message(typeof data === "string" ? data : new Uint8Array(data));
      };
      socket.onerror = (event) => {
        // Browsers hide the reason on purpose. Other runtimes give it.
        problem = hideSecrets((event as Partial<ErrorEvent>).message ?? "");
        // When Node's WebSocket cannot connect, it sends only this event, and no close event.
        if (!opened) end(ABNORMAL_CLOSURE, problem);
      };
      socket.onclose = ({ code, reason }) => end(code, reason || problem);
      return close;
    },
  };
}
