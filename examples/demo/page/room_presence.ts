/**
 * The presence of a room, as this window's client gets it, and the state that this window sets.
 *
 * @module
 */

import { presence, type PresenceMember, type PresenceView } from "@trunkline/hub/client/presence";
import { chatRoom, type Presence, type RoomName } from "../contract.ts";
import type { DemoClient } from "./connect.ts";
import type { KnownNodes } from "./known_nodes.ts";
import { type Crowd, NOBODY } from "./people.ts";

/** After so long without a key, a user does not count as typing any more; in milliseconds. */
const STILL_MS = 3_000;

/** A change of a person. */
export type Deed = "joined" | "left" | "moved";

/** The options of {@linkcode RoomPresence}. */
export interface RoomPresenceOptions {
  readonly room: RoomName;
  /** The known nodes. */
  readonly nodes: KnownNodes;
  /** Shows the people in the room. */
  show(crowd: Crowd): void;
  /** Called with each change of a person, and with the person's node. */
  tell(deed: Deed, who: string, node: number | undefined): void;
}

/** The presence of a room. */
export class RoomPresence {
  readonly #options: RoomPresenceOptions;
  readonly #places = new Map<string, string>();
  #view: PresenceView<Presence> | undefined;
  #own = "";
  /** The last state that this window has set, if any. */
  #told: boolean | undefined;
  #still: ReturnType<typeof setTimeout> | undefined;
  #waits = false;

  constructor(options: RoomPresenceOptions) {
    this.#options = options;
  }

  /**
   * Opens the view of the room, if it is not open yet. Call it after the request that joins the room.
   *
   * @param client The client that is in the room.
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
      // The person has another state, or another node: the old node was stopped or killed.
      if (this.#places.get(member.id) !== member.node) others("moved")(member);
      this.#places.set(member.id, member.node);
    });
    view.on("sync", () => {
      // A state that was set during the outage may not have arrived.
      if (this.#told === false) this.#say(false);
    });
    for (const event of ["join", "leave", "update", "count", "sync"] as const) {
      view.on(event, () => this.refresh());
    }
    void view.closed.then(() => this.refresh());
  }

  /** Closes the view. */
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

  /** The user has stopped typing. */
  stopped(): void {
    clearTimeout(this.#still);
    if (this.#told) this.#say(false);
  }

  /** Shows the presence, once for all changes of one frame. */
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
    this.#view?.set({ typing }).catch(() => {}); // set again when the link is back
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
  if (!synced) return "Last known list";
  return listed ? "" : "Too many to show all";
}
