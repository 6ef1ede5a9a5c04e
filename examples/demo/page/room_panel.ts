/**
 * One room on the page: its tab, its messages, its members.
 *
 * @module
 */

import type { Members, Message, RoomName } from "../contract.ts";
import { count, make, setText } from "./dom.ts";
import { MessageList, type MessageState } from "./message_list.ts";

/** What can be done in a room. */
export interface RoomActions {
  /** Shows the room. */
  select(focus?: boolean): void;
  /** Joins or leaves it. */
  toggle(): void;
  /** Sends a message again. */
  retry(message: Message): void;
}

/** Joins and leaves come in flocks: the members are asked for once for all of them. */
const REFRESH_MS = 120;

/** A room on the page. */
export class RoomPanel {
  readonly room: RoomName;
  readonly tab: HTMLButtonElement;
  readonly panel: HTMLElement;
  readonly #list: MessageList;
  readonly #absent = make("span", { class: "visually-hidden" }, ", not joined");
  readonly #unread = make("span", { class: "unread" });
  readonly #toggle: HTMLButtonElement;
  readonly #members = make("ul", { class: "members" });
  readonly #membersTitle = make("h3", {}, "Members");
  readonly #missing = make("p", { class: "note missing" });
  #unreadCount = 0;
  #selected = false;
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

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
    const id = `members-${room}`;
    this.#membersTitle.id = id;
    this.#members.setAttribute("aria-labelledby", id);
    this.panel = make(
      "div",
      { class: "panel", attrs: { role: "tabpanel", id: `panel-${room}`, "aria-labelledby": `tab-${room}` } },
      this.#list.element,
      make(
        "aside",
        { class: "people", attrs: { "aria-label": `Members of ${room}` } },
        make("div", { class: "people-top" }, this.#membersTitle, this.#toggle),
        this.#members,
        this.#missing,
      ),
    );
  }

  /** Whether it is the room that is shown. */
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

  /** Shows a message, or what became of it. */
  show(message: Message, ownName: string, state: MessageState = "sent"): void {
    const isNew = this.#list.show(message, ownName, state);
    if (isNew && !this.#selected) this.#countUnread(this.#unreadCount + 1);
  }

  /** Forgets everything: the room was left. */
  clear(): void {
    clearTimeout(this.#refresh);
    this.#asked++;
    this.#list.clear();
    this.#countUnread(0);
    this.#showMembers({ members: [], missing: 0 });
  }

  /** Asks for the members soon. */
  refreshSoon(ask: () => Promise<Members | undefined>): void {
    clearTimeout(this.#refresh);
    this.#refresh = setTimeout(async () => {
      const asked = ++this.#asked;
      const members = await ask();
      if (members && asked === this.#asked) this.#showMembers(members);
    }, REFRESH_MS);
  }

  #countUnread(unread: number): void {
    this.#unreadCount = unread;
    if (unread === 0) this.#unread.replaceChildren();
    else this.#unread.replaceChildren(String(unread), make("span", { class: "visually-hidden" }, " unread"));
  }

  #showMembers({ members, missing }: Members): void {
    const sorted = [...members].sort((a, b) => a.name.localeCompare(b.name) || a.node - b.node);
    this.#members.replaceChildren(...sorted.map(({ name, node }) =>
      make(
        "li",
        { attrs: { "data-node": String(node) } },
        make("span", { class: "dot", attrs: { "aria-hidden": "true" } }),
        make("span", { class: "who" }, name),
        make("span", { class: "where" }, `node ${node}`),
      )
    ));
    setText(this.#membersTitle, members.length > 0 ? count(members.length, "member") : "Members");
    setText(
      this.#missing,
      missing > 0 ? `${count(missing, "node")} did not answer: some may be missing here` : "",
    );
  }
}
