/**
 * Messages whose payload cannot be read. Each one is skipped, the caller or listener that needs it is told, and the
 * link stays open.
 *
 * @module
 */

import { HubError, toWireError, type UnreadableMessage } from "../contract/mod.ts";
import type { AppMessage, Connection } from "./connection.ts";
import type { Report } from "./reports/report.ts";
import type { Rooms } from "./rooms.ts";
import type { Subscriptions } from "./topics/subscriptions.ts";
import type { ClientErrorInfo } from "./api/mod.ts";

/** Options of {@linkcode UnreadableMessages}. */
export interface UnreadableMessagesOptions {
  /** The topics. */
  readonly subscriptions: Subscriptions;
  /** The rooms with history. */
  readonly rooms: Rooms;
  /** Handles a message that takes the place of the unreadable one. */
  readonly take: (message: AppMessage) => void;
  /** Reports errors that no call can reject with. Limited, because a server may keep sending such messages. */
  readonly report: Report;
}

/** Skips messages that cannot be read. */
export class UnreadableMessages {
  readonly #options: UnreadableMessagesOptions;

  /** @param options Where the errors go. */
  constructor(options: UnreadableMessagesOptions) {
    this.#options = options;
  }

  /**
   * Skips a message.
   *
   * @param message The message.
   * @param connection The connection that it came on.
   */
  take({ head, error }: UnreadableMessage, connection: Connection): void {
    const { subscriptions, rooms, take } = this.#options;
    const [kind, about, more, name] = head;
    switch (kind) {
      case "res":
        return take(["err", about as number, error]);
      case "err":
      case "end":
      case "out":
        return take([kind, about, error] as AppMessage);
      case "who": // the members of this watch would be wrong
        return take([kind, about, more, { error }] as AppMessage);
      case "req":
        connection.answer(["err", about, toWireError(error)]);
        return this.#report(error, { stage: "answer", name: more as string });
      case "rec":
      case "pub":
        subscriptions.of(about as string)?.skipped(more as number);
        return this.#report(error, { stage: "topic", name: about as string });
      case "rev":
        rooms.said(about as string, more as number, () => false);
        return this.#report(error, { stage: "event", name: name as string });
      case "ev":
        return this.#report(error, { stage: "event", name: about as string });
      default:
        return this.#report(error, { stage: "connection" });
    }
  }

  #report(error: HubError, info: ClientErrorInfo): void {
    const skipped = new HubError(error.code, `Skipped a message: ${error.message}`, { cause: error });
    this.#options.report(skipped, info);
  }
}
