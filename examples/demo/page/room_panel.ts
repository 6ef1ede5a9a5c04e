/**
 * One room on the page: its tab, its messages, its people.
 *
 * @module
 */

import type { Message, RoomName } from "../contract.ts";
import { make, setText } from "./dom.ts";
import { MessageList, type MessageState } from "./message_list.ts";
import { People } from "./people.ts";

/** The commands of a room. */
export interface RoomActions {
  /** Shows the room. */
  select(focus?: boolean): void;
  /** Joins or leaves the room. */
  toggle(): void;
  /** Sends a message again. */
  retry(message: Message): void;
}

/** A room on the page. */
export class RoomPanel {
  readonly room: RoomName;
  readonly tab: HTMLButtonElement;
  readonly panel: HTMLElement;
  readonly people: People;
  readonly #list: MessageList;
  readonly #absent = make("span", { class: "visually-hidden" }, ", not joined");
  readonly #unread = make("span", { class: "unread" });
  readonly #toggle: HTMLButtonElement;
  #unreadCount = 0;
  #selected = false;

  constructor(room: RoomName, actions: RoomActions) {
    this.room = room;
    this.#list = new MessageList(room, actions.retry);
    this.tab = make(
      "button",
      {
        class: "tab",
        attrs: { type: "button", role: "tab", id: `tab-${room}`, "aria-controls": `panel-${room}` },
        on: { click: () => actions.select() },
      },
      make("span", { attrs: { "aria-hidden": "true" } }, "#"),
      room,
      this.#absent,
      this.#unread,
    );
    this.#toggle = make("button", {
      class: "small",
      attrs: { type: "button" },
      on: { click: () => actions.toggle() },
    });
    this.people = new People(room, this.#toggle);
    this.panel = make(
      "div",
      { class: "panel", attrs: { role: "tabpanel", id: `panel-${room}`, "aria-labelledby": `tab-${room}` } },
      this.#list.element,
      this.people.element,
    );
  }

  /** Whether the room is shown. */
  set selected(selected: boolean) {
    this.#selected = selected;
    this.tab.setAttribute("aria-selected", String(selected));
    this.tab.tabIndex = selected ? 0 : -1;
    this.panel.hidden = !selected;
    if (selected) {
      this.#countUnread(0);
      this.#list.toEnd();
    }
  }

  /** Whether this window is in the room. */
  set joined(joined: boolean) {
    this.tab.dataset.joined = String(joined);
    this.#absent.hidden = joined;
    setText(this.#toggle, joined ? "Leave" : "Join");
    this.#toggle.setAttribute("aria-label", `${joined ? "Leave" : "Join"} ${this.room}`);
    this.#toggle.classList.toggle("primary", !joined);
    this.#list.joined = joined;
  }

  /** The time of the newest message; 0 if there is none. */
  get newest(): number {
    return this.#list.newest;
  }

  /** Shows a message, or its new state. */
  show(message: Message, ownName: string, state: MessageState = "sent"): void {
    const isNew = this.#list.show(message, ownName, state);
    if (isNew && !this.#selected) this.#countUnread(this.#unreadCount + 1);
  }

  /** Removes all messages after the user has left the room. */
  clear(): void {
    this.#list.clear();
    this.#countUnread(0);
  }

  #countUnread(unread: number): void {
    this.#unreadCount = unread;
    if (unread === 0) this.#unread.replaceChildren();
    else this.#unread.replaceChildren(String(unread), make("span", { class: "visually-hidden" }, " unread"));
  }
}
