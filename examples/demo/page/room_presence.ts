/**
 * Presence of a room, as this window's client is told it, and what this window says of itself.
 *
 * @module
 */

import { presence, type PresenceMember, type PresenceView } from "@trunkline/hub/client/presence";
import { chatRoom, type Presence, type RoomName } from "../contract.ts";
import type { DemoClient } from "./connect.ts";
import type { KnownNodes } from "./known_nodes.ts";
import { type Crowd, NOBODY } from "./people.ts";

/** Whoever has not pressed a key for so long types no more, in milliseconds. */
const STILL_MS = 3_000;

/** What somebody has done. */
export type Deed = "joined" | "left" | "moved";

/** What {@linkcode RoomPresence} needs. */
export interface RoomPresenceOptions {
  readonly room: RoomName;
  /** What is known of the nodes. */
  readonly nodes: KnownNodes;
  /** Shows who is in. */
  show(crowd: Crowd): void;
  /** Told what somebody has done, and which node they are on. */
  tell(deed: Deed, who: string, node: number | undefined): void;
}

/** Who is in a room. */
export class RoomPresence {
  readonly #options: RoomPresenceOptions;
  readonly #places = new Map<string, string>();
  #view: PresenceView<Presence> | undefined;
  #own = "";
  /** What the others were told last, if anything. */
  #told: boolean | undefined;
  #still: ReturnType<typeof setTimeout> | undefined;
  #waits = false;

  constructor(options: RoomPresenceOptions) {
    this.#options = options;
  }

  /**
   * Looks at the room from now on, if it does not yet: behind the request that joins it.
   *
   * @param client Whose connection is in the room.
   * @param own The user of this window.
   */
  open(client: DemoClient, own: string): void {
    if (this.#view && this.#view.status !== "ended") return;
    const { room, tell, nodes } = this.#options;
    const view = this.#view = presence(client, chatRoom(room));
    this.#own = own;
    const others = (deed: Deed) => ({ id, node }: PresenceMember) => {
      if (id !== own) tell(deed, id, nodes.numberOf(node));
    };
    view.on("join", others("joined"));
    view.on("leave", others("left"));
    view.on("update", (member) => {
      // Another state, or another node: their own was stopped, or killed.
      if (this.#places.get(member.id) !== member.node) others("moved")(member);
      this.#places.set(member.id, member.node);
    });
    view.on("sync", () => {
      // What was said while the link was away may not have got there.
      if (this.#told === false) this.#say(false);
    });
    for (const event of ["join", "leave", "update", "count", "sync"] as const) {
      view.on(event, () => this.refresh());
    }
    void view.closed.then(() => this.refresh());
  }

  /** Looks no more. */
  close(): void {
    clearTimeout(this.#still);
    this.#told = undefined;
    this.#view?.close();
    this.#view = undefined;
    this.refresh();
  }

  /** The user has pressed a key. */
  typed(): void {
    clearTimeout(this.#still);
    this.#still = setTimeout(() => this.stopped(), STILL_MS);
    if (!this.#told) this.#say(true);
  }

  /** The user has stopped. */
  stopped(): void {
    clearTimeout(this.#still);
    if (this.#told) this.#say(false);
  }

  /** Shows how it stands, once for all that changes at once. */
  refresh(): void {
    if (this.#waits) return;
    this.#waits = true;
    requestAnimationFrame(() => {
      this.#waits = false;
      this.#options.show(this.#crowd());
    });
  }

  #say(typing: boolean): void {
    this.#told = typing;
    this.#view?.set({ typing }).catch(() => {}); // said again when the link is back
  }

  #crowd(): Crowd {
    const view = this.#view;
    this.#places.clear();
    if (!view || view.status === "ended") return NOBODY;
    const { nodes } = this.#options;
    const people = view.list().map(({ id, node, state }) => {
      this.#places.set(id, node);
      return {
        id,
        you: id === this.#own,
        node: nodes.numberOf(node),
        typing: state?.typing ?? false,
        trouble: nodes.troubleOf(node),
      };
    });
    return { people, count: view.count, note: noteOf(view) };
  }
}

function noteOf({ count, listed, synced }: PresenceView<Presence>): string {
  if (count === 0) return "";
  if (!synced) return "As it was known last";
  return listed ? "" : "Too many to show each of them";
}
