/**
 * The chat: rooms as tabs, what is said in them, who is in them.
 *
 * @module
 */

import { HubError } from "@trunkline/hub/client";
import { type Message, type RoomName, ROOMS } from "../contract.ts";
import type { DemoClient } from "./connect.ts";
import { byId, setText } from "./dom.ts";
import { RoomPanel } from "./room_panel.ts";
import { TypingLine } from "./typing.ts";

const KEY = "trunkline-demo.rooms";
const isRoom = (text: unknown): text is RoomName => ROOMS.includes(text as RoomName);

/** The rooms that this window was in. */
function rememberedRooms(): RoomName[] {
  const rooms = (sessionStorage.getItem(KEY) ?? ROOMS[0]).split(" ");
  return rooms.filter(isRoom);
}

/** The chat of this window. */
export class Chat {
  /** Who the user is. */
  name = "";
  readonly #joined = new Set(rememberedRooms());
  readonly #panels: ReadonlyMap<RoomName, RoomPanel>;
  readonly #typing = new TypingLine((room) => this.#client?.signal("typing", { room }));
  readonly #input = byId<HTMLInputElement>("message");
  #room: RoomName = ROOMS[0];
  #client: DemoClient | undefined;

  constructor() {
    this.#panels = new Map(ROOMS.map((room) => [
      room,
      new RoomPanel(room, {
        select: (focus) => this.#select(room, focus),
        toggle: () => this.#joined.has(room) ? this.#leave(room) : this.#join(room),
        retry: (message) => void this.#deliver(message),
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
      if (this.#client?.status === "open" && this.#input.value !== "") this.#typing.typed(this.#room);
    });
    this.#select(this.#room);
  }

  /** Speaks through a client from now on. */
  attach(client: DemoClient): void {
    this.#client = client;
    let nodes = "";
    client.onStatus(() => this.#describeField());
    // On every connection, before what was written while there was none.
    client.onOpen(() => {
      for (const room of this.#joined) void this.#enter(room);
    });
    client.on("message", (message) => {
      this.#typing.stopped(message.room, message.name);
      this.#show(message);
    });
    client.on("typing", ({ room, name }) => this.#typing.heard(room, name));
    client.on("membersChanged", ({ room }) => this.#refreshSoon(room));
    client.on("cluster", ({ loads, silent }) => {
      // A node that dies says no goodbyes for its clients.
      const now = JSON.stringify([loads, silent].map((list) => list.map(({ number }) => number)));
      if (now !== nodes) { for (const room of this.#joined) this.#refreshSoon(room); }
      nodes = now;
    });
  }

  get #all(): RoomPanel[] {
    return [...this.#panels.values()];
  }

  #select(room: RoomName, focus = false): void {
    this.#room = room;
    for (const panel of this.#all) panel.selected = panel.room === room;
    if (focus) this.#panels.get(room)!.tab.focus();
    this.#typing.show(room);
    this.#describeField();
  }

  /** Arrow keys, Home and End, as tabs have them. */
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
    this.#client?.request("leave", { room }).catch(() => {}); // whoever is not connected is in no room
  }

  #remember(): void {
    sessionStorage.setItem(KEY, [...this.#joined].join(" "));
    this.#describeField();
  }

  /** Enters a room on the node that serves this window now, and catches up. */
  async #enter(room: RoomName): Promise<void> {
    const client = this.#client;
    try {
      const { recent } = await client!.request("join", { room });
      if (!this.#joined.has(room)) return;
      for (const message of recent) this.#show(message);
      this.#refreshSoon(room);
    } catch (error) {
      // A lost link is made again, and then this is too.
      if (client?.status === "open") console.warn(error);
    }
  }

  #refreshSoon(room: RoomName): void {
    this.#panels.get(room)!.refreshSoon(async () => {
      if (!this.#joined.has(room) || this.#client?.status !== "open") return undefined;
      return await this.#client.request("members", { room }).catch(() => undefined);
    });
  }

  #show(message: Message): void {
    if (this.#joined.has(message.room)) this.#panels.get(message.room)!.show(message, this.name);
  }

  #send(): void {
    const text = this.#input.value.trim();
    if (text === "") return;
    this.#input.value = "";
    this.#typing.sent();
    const message: Message = {
      id: crypto.randomUUID(),
      room: this.#room,
      name: this.name,
      text,
      at: Date.now(),
      node: 0,
    };
    this.#panels.get(this.#room)!.show(message, this.name, "sending");
    void this.#deliver(message);
  }

  /**
   * Says it until it is answered: the link may be lost on the way, and nobody knows whether the node has got it. The
   * nodes know the message again by its id.
   */
  async #deliver(message: Message): Promise<void> {
    const client = this.#client!;
    const { id, room, text } = message;
    const panel = this.#panels.get(room)!;
    for (;;) {
      try {
        panel.show(await client.request("say", { id, room, text }), this.name);
        return;
      } catch (error) {
        const code = error instanceof HubError ? error.code : "";
        const lost = code === "DISCONNECTED" || (code === "TIMEOUT" && client.status !== "open");
        if (lost && client.status !== "closed") continue; // it waits in the client until the link is back
        panel.show(message, this.name, "failed");
        return;
      }
    }
  }
}
