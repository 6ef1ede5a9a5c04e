/**
 * The rooms with history that a client is in, and up to where it has seen them, link after link.
 *
 * @module
 */

import {
  callEach,
  type Hello,
  MAX_EARLIER,
  MAX_HELLO_ROOMS_LENGTH,
  type Position,
  type RoomMark,
  type RoomState,
  utf8Size,
  type Welcome,
} from "../contract/mod.ts";
import type { Settings } from "./options.ts";
import type { RoomMeta, RoomRecovery } from "./api/mod.ts";

/** A room. */
interface Place {
  /** The last message seen. */
  position: Position;
  /** Whether the server has said on this link that nothing before it is to come. */
  live: boolean;
  /** Whether a message was skipped, and nobody was told so far. */
  incomplete?: boolean;
  /** Whether the hello of this link has named it. */
  named?: boolean;
}

/** Keeps the positions. */
export class Rooms {
  readonly #settings: Settings;
  readonly #listeners = new Set<{ readonly call: (recovery: RoomRecovery) => unknown }>();
  /** By name, the one that was joined last at the end. */
  readonly #places = new Map<string, Place>();
  #earlier: string[] = [];
  #maxFrameBytes = 0;

  /** @param settings The client's. */
  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** See `Client.onRecovery`. */
  onRecovery(call: (recovery: RoomRecovery) => unknown): () => void {
    const listener = { call };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What a hello says: where it stands, in as many rooms as there is room for; of those that it joined last first. */
  hello(): Pick<Hello, "rooms" | "earlier"> {
    const earlier = this.#earlier;
    let left = Math.min(MAX_HELLO_ROOMS_LENGTH, this.#maxFrameBytes / 4) - utf8Size(earlier.join());
    const rooms: RoomMark[] = [];
    for (const [room, place] of [...this.#places].reverse()) {
      const mark = [room, ...place.position] as const;
      left -= utf8Size(JSON.stringify(mark)) + 1;
      place.named = left > 0;
      if (place.named) rooms.push(mark);
    }
    return { rooms, earlier };
  }

  /** A link is open. What its hello has not named is not recovered; nothing is where the server knows of no histories. */
  opened({ connection, maxFrameBytes, rooms }: Welcome): void {
    this.#maxFrameBytes = maxFrameBytes;
    this.#earlier = [...this.#earlier, connection].slice(-MAX_EARLIER);
    for (const [room, { named }] of [...this.#places]) {
      if (rooms && named) continue;
      this.#places.delete(room);
      this.#tell(room, false);
    }
  }

  /** The link is gone; the positions stay. */
  lost(): void {
    for (const place of this.#places.values()) place.live = false;
  }

  /** The server says where the client stands in a room; nothing when it is not in any more. */
  moved(room: string, state?: RoomState): void {
    const known = this.#places.get(room);
    this.#places.delete(room);
    if (!state) return;
    const { position, past, recovered } = state;
    this.#places.set(room, { position, live: !past });
    if (past || recovered === undefined && known?.live !== false) return;
    const isThere = `${known?.position}` === `${position}`;
    this.#tell(room, recovered === true && isThere && !known!.incomplete);
  }

  /**
   * A message of a room.
   *
   * @param room The room.
   * @param offset Its number.
   * @param deliver Hands it on; tells whether that was possible.
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

  #tell(room: string, recovered: boolean): void {
    callEach(
      this.#listeners,
      ({ call }) => call({ room, recovered }),
      (error) => this.#settings.report(error, { stage: "event", name: room }),
    );
  }
}
