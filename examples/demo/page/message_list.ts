/**
 * The messages of a room, each once and in order.
 *
 * @module
 */

import type { Message, RoomName } from "../contract.ts";
import { makeAvatar } from "./avatar.ts";
import { make, setText, timeOf } from "./dom.ts";

/** The state of one's own message. */
export type MessageState = "sending" | "sent" | "failed";

interface Shown {
  message: Message;
  readonly element: HTMLElement;
  readonly meta: HTMLElement;
  readonly outcome: HTMLElement;
}

/** The page keeps so many messages per room. */
const KEPT = 300;
/** Messages of one person within so many milliseconds form a group. */
const TOGETHER_MS = 120_000;
/** If the user is so near to the end, in pixels, the list stays at the end. */
const NEAR_PX = 60;

/** The messages of a room. */
export class MessageList {
  readonly element: HTMLElement;
  readonly #list: HTMLElement;
  readonly #empty = make("p", { class: "empty" });
  readonly #room: RoomName;
  readonly #retry: (message: Message) => void;
  readonly #shown = new Map<string, Shown>();
  #joined = false;

  /** @param retry Sends a message again. */
  constructor(room: RoomName, retry: (message: Message) => void) {
    this.#room = room;
    this.#retry = retry;
    this.#list = make("div", {
      class: "messages",
      attrs: { role: "log", "aria-live": "polite", "aria-label": `Messages in ${room}`, tabindex: "0" },
    });
    this.element = make("div", { class: "scroll" }, this.#empty, this.#list);
    this.#explain();
  }

  /** Whether this window is in the room. */
  set joined(joined: boolean) {
    this.#joined = joined;
    this.#explain();
  }

  /** The time of the newest message; 0 if there is none. */
  get newest(): number {
    return Math.max(0, ...[...this.#shown.values()].map(({ message }) => message.at));
  }

  /**
   * Shows a message, or its new state.
   *
   * @returns Whether it is new.
   */
  show(message: Message, ownName: string, state: MessageState): boolean {
    const known = this.#shown.get(message.id);
    const atEnd = this.#atEnd();
    const shown = known ?? this.#create(message, message.name === ownName);
    // The room's copy of the message may arrive before the answer. Then the answer adds nothing.
    if (!known || state !== "sending") this.#update(shown, message, state);
    if (known) return false;
    this.#insert(shown);
    if (atEnd || state === "sending") this.toEnd();
    this.#explain();
    return true;
  }

  /** Removes all messages. */
  clear(): void {
    this.#shown.clear();
    this.#list.replaceChildren();
    this.#explain();
  }

  /** Scrolls to the newest message. */
  toEnd(): void {
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #atEnd(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #explain(): void {
    this.#empty.hidden = this.#shown.size > 0;
    setText(
      this.#empty,
      this.#joined
        ? `There are no messages in ${this.#room} yet. Say hello, and read it in the other window.`
        : `You are not in ${this.#room}: join it to read and write.`,
    );
  }

  #create(message: Message, own: boolean): Shown {
    const { id, name, text } = message;
    const meta = make("span", { class: "meta" });
    const outcome = make("span", { class: "outcome" });
    const element = make(
      "div",
      { class: own ? "message own" : "message" },
      makeAvatar(name),
      make("p", { class: "author" }, make("b", {}, name), meta),
      make("p", { class: "text" }, text, outcome),
    );
    const shown: Shown = { message, element, meta, outcome };
    this.#shown.set(id, shown);
    return shown;
  }

  #update(shown: Shown, message: Message, state: MessageState): void {
    shown.message = message;
    shown.element.dataset.state = state;
    const via = message.node > 0 ? `node ${message.node}` : "";
    if (message.node > 0) shown.element.dataset.node = String(message.node);
    shown.meta.replaceChildren(
      make("time", { attrs: { datetime: new Date(message.at).toISOString() } }, timeOf(message.at)),
      make("span", { class: "via", attrs: { title: via && `It was sent to ${via}` } }, via),
    );
    if (state === "failed") {
      const again = make("button", {
        class: "quiet small",
        attrs: { type: "button" },
        on: {
          click: () => {
            this.#update(shown, message, "sending");
            this.#retry(message);
          },
        },
      }, "Send again");
      shown.outcome.replaceChildren("Not delivered. ", again);
    } else {
      shown.outcome.replaceChildren(state === "sending" ? "sending…" : "");
    }
  }

  /** Inserts a message by its time: a missed message may arrive after newer ones. */
  #insert(shown: Shown): void {
    const later = [...this.#shown.values()]
      .filter(({ message, element }) => message.at > shown.message.at && element.parentNode)
      .sort((a, b) => a.message.at - b.message.at)[0];
    this.#list.insertBefore(shown.element, later?.element ?? null);
    const ordered = [...this.#shown.values()].sort((a, b) => a.message.at - b.message.at);
    for (const { message, element } of ordered.splice(0, Math.max(0, ordered.length - KEPT))) {
      element.remove();
      this.#shown.delete(message.id);
    }
    ordered.forEach(({ message, element }, index) => {
      const before = ordered[index - 1]?.message;
      const together = before?.name === message.name && message.at - before.at < TOGETHER_MS;
      element.classList.toggle("together", together);
    });
  }
}
