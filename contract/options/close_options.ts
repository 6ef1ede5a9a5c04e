/**
 * How something is closed: one shape, wherever an application closes it.
 *
 * @module
 */

import { utf8Size } from "../values/utf8_size.ts";
import { type Kind, optional, type Rows, wrong } from "./read_options.ts";

/** How something is closed. */
export interface CloseOptions {
  /**
   * A close code that applications may use: from 3000 to 4999, or 1000. With 4500 and above clients do not come back by
   * themselves. Codes that this package has a meaning for are in `CLOSE_CODES`.
   */
  readonly code?: number;
  /** Why, for a person: 123 bytes of UTF-8 at the most, which is what a close frame carries. */
  readonly reason?: string;
}

/** What a close frame carries of a reason, in bytes. RFC 6455, 5.5. */
const MAX_REASON_BYTES = 123;

/**
 * Whether an application may close with a code, as with a WebSocket of the platform: all others are the protocol's. RFC 6455, 7.4.2.
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

/** The options of a close, for the reader. */
export const CLOSE = {
  code: /* @__PURE__ */ optional(closeCode),
  reason: /* @__PURE__ */ optional(closeReason),
} satisfies Rows<CloseOptions>;
