/**
 * Links of clients that read as slowly as a test lets them.
 *
 * @module
 */

import type { LinkAcceptor, ServerLinkEvents, Transport } from "@trunkline/hub/transports/transport";

/** A client that reads only what it is let. */
export interface SlowClient {
  /** The messages that have been sent to it, in order. */
  readonly heard: readonly (readonly unknown[])[];
  /** How much it has not read yet. */
  readonly unread: number;
  /** The most that it ever had not read. */
  readonly mostUnread: number;
  /** The code with which the hub has closed it. */
  readonly closed: number | undefined;
  /** Sends messages in one frame. */
  say(...messages: readonly unknown[][]): void;
  /** Reads so much. */
  read(length: number): void;
  /** Goes away. */
  leave(): void;
}

/** A transport over which clients come that read slowly. */
export function slowLinks(): Transport & { connect(hello?: object): SlowClient } {
  let acceptor: LinkAcceptor;
  return {
    name: "slow",
    attach(given) {
      acceptor = given;
    },
    connect(hello) {
      const heard: (readonly unknown[])[] = [];
      let unread = 0, mostUnread = 0, congested = false;
      let closed: number | undefined;
      const end = (code: number, reason: string) => {
        if (closed !== undefined) return;
        closed = code;
        queueMicrotask(() => {
          events.close(code, reason);
          events.freed();
        });
      };
      const events: ServerLinkEvents = acceptor.accept({
        subprotocol: "trunkline.v1.json",
        get bufferedAmount() {
          return unread;
        },
        send(frame) {
          if (closed !== undefined) return;
          heard.push(...JSON.parse(frame as string));
          unread += frame.length;
          mostUnread = Math.max(mostUnread, unread);
          if (unread >= acceptor.highWaterBytes) congested = true;
        },
        close: end,
      }, { request: new Request("http://slow"), address: undefined });
      const client: SlowClient = {
        heard,
        get unread() {
          return unread;
        },
        get mostUnread() {
          return mostUnread;
        },
        get closed() {
          return closed;
        },
        say: (...messages) => events.message(JSON.stringify(messages)),
        read(length) {
          unread = Math.max(0, unread - length);
          if (!congested || unread >= acceptor.highWaterBytes || closed !== undefined) return;
          congested = false;
          events.drain();
        },
        leave: () => end(1000, ""),
      };
      client.say(["hello", { role: "member", ...hello }]);
      return client;
    },
  };
}
