/**
 * What an error of a client belongs to.
 *
 * @module
 */

/**
 * What an error that nobody waits for belongs to: getting the address, the token and a connection (`"connect"`), a
 * frame that is not of the protocol (`"protocol"`), the connection as a whole (`"connection"`), a listener or payload
 * of an event or topic, a subscription that was refused or ended, the answer to a request, a signal that was refused
 * or dropped, a handler of a request of the server (`"answer"`), a listener of `onOpen` (`"open"`), a status listener, a
 * room that the server did not put the client into again, where no listener of `onRecovery` hears it (`"room"`), or
 * who is in a room or topic (`"presence"`): its listeners, a bad state, a view that was refused or ended.
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

/** What an error belongs to. */
export interface ClientErrorInfo {
  /** The stage. */
  readonly stage: ClientStage;
  /** The event, topic, request or signal, where there is one. */
  readonly name?: string;
}
