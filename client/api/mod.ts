/**
 * The types that users of a client need.
 *
 * @module
 */

export type * from "./client.ts";
export type * from "./client_error_info.ts";
export type * from "./client_status.ts";
export type * from "./questions.ts";
export type * from "./room.ts";
export type * from "./subscription.ts";
export type * from "./topic.ts";
