/**
 * The rooms that a client is in, and its last position in rooms with history. Kept across links.
 *
 * @module
 */

import {
  callEach,
  fromWireError,
  type Hello,
  HubError,
  MAX_EARLIER,
  MAX_HELLO_ROOMS,
  MAX_HELLO_ROOMS_LENGTH,
  type Position,
  type RoomMark,
  type RoomState,
  utf8Size,
  type Welcome,
  type WireError,
} from "../contract/mod.ts";
import { isBefore } from "./topics/is_before.ts";
import type { Settings } from "./options.ts";
import type { RoomMeta, RoomRecovery } from "./api/mod.ts";

/** A room. */
interface Place {
  /** The last message seen. */
  position: Position;
  /** Whether the server has said on this link that no earlier message follows. */
  live: boolean;
  /** Whether a message was skipped, and no listener knows of it yet. */
  incomplete?: boolean;
  /** Whether the hello of this link named the room. */
  named?: boolean;
}

/** The codes of errors that may go away by themselves, so that a retry makes sense. */
export const AWAY: ReadonlySet<string> = new Set(["UNAVAILABLE", "TIMEOUT"]);

/** Keeps the names of the rooms, and the positions. */
export class Rooms {
  readonly #settings: Settings;
  readonly #listeners = new Set<{ readonly call: (recovery: RoomRecovery) => unknown }>();
  /** The rooms with history, by name. The last one joined is at the end. */
  readonly #places = new Map<string, Place>();
  /** All rooms that the server has put the client into, across links. The last one joined is at the end. */
  readonly #joined = new Set<string>();
  /** The rooms that the hello of this link named. */
  #named: readonly string[] = [];
  #earlier: string[] = [];

  /** @param settings The settings of the client. */
  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** See `Client.onRecovery`. */
  onRecovery(call: (recovery: RoomRecovery) => unknown): () => void {
    const listener = { call };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * The names of all rooms for the hello: as many as fit, the last joined first.
   *
   * @param share How many bytes the names may take.
   */
  joined(share: number): Pick<Hello, "joined"> {
    let left = Math.min(MAX_HELLO_ROOMS_LENGTH, share);
    this.#named = [...this.#joined].reverse().slice(0, MAX_HELLO_ROOMS)
      .filter((room) => (left -= utf8Size(JSON.stringify(room)) + 1) > 0);
    return { joined: this.#named };
  }

  /** The positions in rooms with history for the hello: as many as fit, the last joined first. */
  hello(share: number): Pick<Hello, "rooms" | "earlier"> {
    const earlier = this.#earlier;
    let left = Math.min(MAX_HELLO_ROOMS_LENGTH, share) - utf8Size(earlier.join());
    const rooms: RoomMark[] = [];
    for (const [room, place] of [...this.#places].reverse()) {
      const mark = [room, ...place.position] as const;
      left -= utf8Size(JSON.stringify(mark)) + 1;
      place.named = left > 0;
      if (place.named) rooms.push(mark);
    }
    return { rooms, earlier };
  }

  /**
   * A link is open. Only rooms that its hello named are recovered. If the server keeps no histories, no room is
   * recovered.
   */
  opened({ connection, rooms, rejoin }: Welcome): void {
    for (const room of [...this.#joined]) {
      if (rejoin && this.#named.includes(room)) continue; // the server answers for this room
      const why = rejoin ? "too many rooms" : "the server has no rejoin";
      this.left(room, new HubError("FORBIDDEN", `Not in "${room}" any more, join it again: ${why}`));
    }
    this.#earlier = [...this.#earlier, connection].slice(-MAX_EARLIER);
    for (const [room, { named }] of [...this.#places]) {
      if (rooms && named) continue;
      this.#places.delete(room);
      this.#tell(room, false);
    }
  }

  /** The server put the client into a room. */
  entered(room: string): void {
    this.#joined.delete(room);
    this.#joined.add(room);
  }

  /**
   * The client is not in a room.
   *
   * @param room The room.
   * @param error Why the server did not put it into the room again. Absent if the server took it out.
   */
  left(room: string, error?: WireError): void {
    const isAway = error && AWAY.has(error.code); // this server keeps trying, and so does the next one
    if (!isAway) { for (const known of [this.#joined, this.#places]) known.delete(room); }
    if (error) this.#tell(room, false, fromWireError(error));
  }

  /** The link is lost. The positions stay. */
  lost(): void {
    for (const place of this.#places.values()) place.live = false;
  }

  /** The server sent the client's position in a room. Without a state, the client is no longer in the room. */
  moved(room: string, state?: RoomState): void {
    const known = this.#places.get(room);
    if (known?.live && state && isBefore(state.position, known.position)) return;
    this.#places.delete(room);
    if (!state) return;
    const { position, past, recovered } = state;
    this.#places.set(room, { position, live: !past });
    if (past || recovered === undefined && known?.live !== false) return;
    const isThere = `${known?.position}` === `${position}`;
    this.#tell(room, recovered === true && isThere && !known!.incomplete);
  }

  /**
   * Delivers a message of a room with history, unless it came before.
   *
   * @param room The room.
   * @param offset The message's number.
   * @param deliver Delivers it. Returns whether that worked.
   */
  said(room: string, offset: number, deliver: (meta: RoomMeta) => boolean): void {
    const place = this.#places.get(room);
    if (!place || offset <= place.position[1]) return;
    const { position: [epoch, last], live } = place;
    place.position = [epoch, offset];
    if (deliver({ room, offset, epoch, recovered: !live }) && offset === last + 1) return;
    if (live) this.#tell(room, false);
    else place.incomplete = true;
  }

  #tell(room: string, recovered: boolean, error?: HubError): void {
    // Without a listener, the error is reported.
    if (error && this.#listeners.size === 0) this.#settings.report(error, { stage: "room", name: room });
    callEach(
      this.#listeners,
      ({ call }) => call(error ? { room, recovered, error } : { room, recovered }),
      (error) => this.#settings.report(error, { stage: "event", name: room }),
    );
  }
}
