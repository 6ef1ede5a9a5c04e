/**
 * Contracts (what clients and servers may send to each other), their types, and the wire protocol.
 *
 * @module
 */

export { abortReason, throwIfAborted } from "./abort_reason.ts";
export * as CLOSE_CODES from "./close_codes.ts";
export { type Clock, systemClock, type TimerOptions } from "./clock.ts";
export * from "./pending_calls.ts";
export * from "./codec.ts";
export { defer, type Deferred } from "./deferred.ts";
export * from "./define.ts";
export type * from "./definition.ts";
export * from "./errors.ts";
export type * from "./history/history.ts";
export type * from "./infer.ts";
export type * from "./names/check_answers.ts";
export type * from "./names/check_handlers.ts";
export type * from "./names/check_parts.ts";
export type * from "./names/did_you_mean.ts";
export { fillPattern, type ParamsArgument, type ParamsFor } from "./names/fill_pattern.ts";
export type { CloseOptions } from "./options/close_options.ts";
export * from "./parse.ts";
export * from "./pattern.ts";
export type * from "./platform/types.ts";
export type * from "./presence.ts";
export * from "./values/base64.ts";
export * from "./values/json.ts";
export {
  encodeMessage,
  MAX_DEPTH,
  type PlainRules,
  type ReadErrors,
  readPlainMessage,
} from "./values/plain.ts";
export * from "./values/text.ts";
export * from "./values/utf8_size.ts";
export type * from "./standard_schema.ts";
export * from "./user_code.ts";
export * from "./wire.ts";
export * from "./wire/history_wire.ts";
export * from "./wire/presence_wire.ts";
export * from "./wire/room_wire.ts";
