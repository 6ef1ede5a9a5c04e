/**
 * Where an error of a client comes from.
 *
 * @module
 */

/**
 * Where an error comes from, when no call of yours can reject with it: `"connect"`: getting the address or the token,
 * or connecting. `"protocol"`: a frame that is not of the protocol. `"connection"`: the connection as a whole.
 * `"event"`, `"topic"`: a listener or a payload. `"subscribe"`: a subscription that was refused or ended.
 * `"request"`: the answer to a request. `"signal"`: a signal that was refused or dropped. `"answer"`: a handler for a
 * request of the server. `"open"`: a listener of `onOpen`. `"status"`: a status listener. `"room"`: the server did
 * not put the client into a room again, and `onRecovery` has no listener. `"presence"`: a listener, a bad state, or a
 * view that was refused or ended.
 */
export type ClientStage =
  | "connect"
  | "protocol"
  | "connection"
  | "event"
  | "topic"
  | "subscribe"
  | "request"
  | "signal"
  | "answer"
  | "open"
  | "status"
  | "room"
  | "presence";

/** Where an error comes from. */
export interface ClientErrorInfo {
  /** The part of the client. */
  readonly stage: ClientStage;
  /** The name of the event, topic, request or signal, if there is one. */
  readonly name?: string;
}
