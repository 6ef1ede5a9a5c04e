/**
 * The chat: rooms as tabs, with their messages and their members.
 *
 * @module
 */

import { HubError } from "@trunkline/hub/client";
import { type Message, type RoomName, ROOMS } from "../contract.ts";
import type { DemoClient } from "./connect.ts";
import { byId, setText } from "./dom.ts";
import { KnownNodes } from "./known_nodes.ts";
import type { Crowd } from "./people.ts";
import type { PersonFacts } from "./person.ts";
import { remember, remembered, type WindowKind } from "./place.ts";
import { PresenceNews } from "./presence_news.ts";
import { RoomPanel } from "./room_panel.ts";
import { RoomPresence } from "./room_presence.ts";
import { showTyping } from "./typing.ts";

const isRoom = (text: unknown): text is RoomName => ROOMS.includes(text as RoomName);

/** The rooms that a window was in before. */
function rememberedRooms(kind: WindowKind): RoomName[] {
  const rooms = (remembered(kind, "rooms") ?? ROOMS[0]).split(" ");
  return rooms.filter(isRoom);
}

/** The chat of this window. */
export class Chat {
  readonly #kind: WindowKind;
  readonly #joined: Set<RoomName>;
  readonly #panels: ReadonlyMap<RoomName, RoomPanel>;
  readonly #presences: ReadonlyMap<RoomName, RoomPresence>;
  readonly #nodes = new KnownNodes();
  readonly #news = new PresenceNews();
  readonly #input = byId<HTMLInputElement>("message");
  readonly #onPeople: (people: readonly PersonFacts[]) => void;
  #room: RoomName = ROOMS[0];
  #client: DemoClient | undefined;
  /** The user's name. */
  #name = "";

  /**
   * @param kind The window.
   * @param onPeople Called with the people in the room that is shown.
   */
  constructor(kind: WindowKind, onPeople: (people: readonly PersonFacts[]) => void) {
    this.#kind = kind;
    this.#joined = new Set(rememberedRooms(kind));
    this.#onPeople = onPeople;
    this.#panels = new Map(ROOMS.map((room) => [
      room,
      new RoomPanel(room, {
        select: (focus) => this.#select(room, focus),
        toggle: () => this.#joined.has(room) ? this.#leave(room) : this.#join(room),
        retry: (message) => void this.#deliver(message),
      }),
    ]));
    this.#presences = new Map(ROOMS.map((room) => [
      room,
      new RoomPresence({
        room,
        nodes: this.#nodes,
        show: (crowd) => this.#showCrowd(room, crowd),
        tell: (deed, who) => room === this.#room && this.#news.tell(deed, who),
      }),
    ]));
    byId("tabs").append(...this.#all.map(({ tab }) => tab));
    byId("panels").append(...this.#all.map(({ panel }) => panel));
    byId("tabs").addEventListener("keydown", (event) => this.#onTabKey(event));
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#input.addEventListener("input", () => {
      const presence = this.#presences.get(this.#room)!;
      if (this.#input.value === "") presence.stopped();
      else if (this.#client?.status === "open") presence.typed();
    });
    this.#select(this.#room);
  }

  /** Uses a client from now on. `name` is its user. */
  attach(client: DemoClient, name: string): void {
    this.#client = client;
    this.#name = name;
    for (const presence of this.#presences.values()) presence.close();
    client.onStatus(() => this.#describeField());
    // On every connection, before the messages that were written during the outage.
    client.onOpen(() => {
      for (const room of this.#joined) void this.#enter(room);
    });
    client.on("message", (message) => this.#show(message));
    client.on("cluster", (view) => {
      this.#nodes.learn(view);
      for (const presence of this.#presences.values()) presence.refresh();
    });
  }

  get #all(): RoomPanel[] {
    return [...this.#panels.values()];
  }

  #select(room: RoomName, focus = false): void {
    this.#presences.get(this.#room)!.stopped();
    this.#room = room;
    for (const panel of this.#all) panel.selected = panel.room === room;
    if (focus) this.#panels.get(room)!.tab.focus();
    this.#presences.get(room)!.refresh();
    this.#describeField();
  }

  /** Handles arrow keys, Home and End, as usual for tabs. */
  #onTabKey(event: KeyboardEvent): void {
    const index = ROOMS.indexOf(this.#room);
    const to = {
      ArrowRight: (index + 1) % ROOMS.length,
      ArrowLeft: (index + ROOMS.length - 1) % ROOMS.length,
      Home: 0,
      End: ROOMS.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#select(ROOMS[to]!, true);
  }

  #describeField(): void {
    const joined = this.#joined.has(this.#room);
    setText(byId("message-label"), `Message to ${this.#room}`);
    this.#input.disabled = !joined;
    byId("composer").querySelector("button")!.disabled = !joined;
    this.#input.placeholder = !joined
      ? `Join ${this.#room} to write`
      : this.#client?.status === "reconnecting"
      ? "Write on: it is sent when the link is back"
      : `Message to ${this.#room}`;
    for (const panel of this.#all) panel.joined = this.#joined.has(panel.room);
  }

  #join(room: RoomName): void {
    this.#joined.add(room);
    this.#remember();
    this.#enter(room);
    this.#input.focus();
  }

  #leave(room: RoomName): void {
    this.#joined.delete(room);
    this.#remember();
    this.#panels.get(room)!.clear();
    this.#presences.get(room)!.close();
    this.#client?.request("leave", { room }).catch(() => {}); // without a connection the user is in no room
  }

  #remember(): void {
    remember(this.#kind, "rooms", [...this.#joined].join(" "));
    this.#describeField();
  }

  /** Enters a room on the node that serves this window now, and catches up. */
  async #enter(room: RoomName): Promise<void> {
    const client = this.#client!;
    try {
      const answer = client.request("join", { room });
      this.#presences.get(room)!.open(client, this.#name);
      const { recent } = await answer;
      if (!this.#joined.has(room)) return;
      for (const message of recent) this.#show(message);
    } catch (error) {
      // After a lost link the client reconnects, and `onOpen` enters the rooms again.
      if (client.status === "open") console.warn(error);
    }
  }

  #showCrowd(room: RoomName, crowd: Crowd): void {
    this.#panels.get(room)!.people.show(crowd);
    if (room !== this.#room) return;
    this.#onPeople(crowd.people);
    const typists = crowd.people.filter(({ typing, you, trouble }) => typing && !you && !trouble);
    showTyping(typists.map(({ id }) => id));
  }

  #show(message: Message): void {
    if (this.#joined.has(message.room)) this.#panels.get(message.room)!.show(message, this.#name);
  }

  #send(): void {
    const text = this.#input.value.trim();
    if (text === "") return;
    this.#input.value = "";
    this.#presences.get(this.#room)!.stopped();
    const panel = this.#panels.get(this.#room)!;
    const message: Message = {
      id: crypto.randomUUID(),
      room: this.#room,
      name: this.#name,
      text,
      at: Math.max(Date.now(), panel.newest), // the clock may have been set back
      node: 0,
    };
    panel.show(message, this.#name, "sending");
    void this.#deliver(message);
  }

  /**
   * Sends the message until there is an answer. If the link breaks, the page cannot know whether the node has got the message. The
   * nodes recognise it by its id.
   */
  async #deliver(message: Message): Promise<void> {
    const client = this.#client!;
    const { id, room, text } = message;
    const panel = this.#panels.get(room)!;
    for (;;) {
      try {
        panel.show(await client.request("say", { id, room, text }), this.#name);
        return;
      } catch (error) {
        const code = error instanceof HubError ? error.code : "";
        const lost = code === "DISCONNECTED" || (code === "TIMEOUT" && client.status !== "open");
        if (lost && client.status !== "closed") continue; // the client queues the next try until the link is back
        panel.show(message, this.#name, "failed");
        return;
      }
    }
  }
}
