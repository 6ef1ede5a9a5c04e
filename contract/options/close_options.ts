/**
 * The options of every call that closes something.
 *
 * @module
 */

import { utf8Size } from "../values/utf8_size.ts";
import { type Kind, optional, type Rows, wrong } from "./read_options.ts";

/** How something is closed. */
export interface CloseOptions {
  /**
   * A close code that applications may use: from 3000 to 4999, or 1000. After a code of 4500 or above, clients do
   * not reconnect by themselves. `CLOSE_CODES` lists the codes that have a meaning in this package.
   */
  readonly code?: number;
  /** The reason, for a person. At most 123 bytes of UTF-8, because a close frame carries no more. */
  readonly reason?: string;
}

/** The longest reason that a close frame can carry, in bytes. RFC 6455, 5.5. */
const MAX_REASON_BYTES = 123;

/**
 * Whether an application may close with this code. As with the platform's WebSocket, the other codes belong to the
 * protocol. RFC 6455, 7.4.2.
 *
 * @param code The code.
 */
export function isCloseCode(code: unknown): code is number {
  return code === 1000 || Number.isInteger(code) && (code as number) >= 3000 && (code as number) <= 4999;
}

const closeCode: Kind<number> = (code, place) => {
  if (isCloseCode(code)) return code;
  throw wrong(code, place, "a whole number from 3000 to 4999, or 1000");
};

const closeReason: Kind<string> = (reason, place) => {
  if (typeof reason === "string" && utf8Size(reason) <= MAX_REASON_BYTES) return reason;
  throw wrong(reason, place, `a text of ${MAX_REASON_BYTES} bytes of UTF-8 at the most`);
};

/** The table of the close options. */
export const CLOSE = {
  code: /* @__PURE__ */ optional(closeCode),
  reason: /* @__PURE__ */ optional(closeReason),
} satisfies Rows<CloseOptions>;
