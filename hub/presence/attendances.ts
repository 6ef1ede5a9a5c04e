/**
 * The connections of this node in places: how they enter and leave rooms and topics, and their states there.
 *
 * @module
 */

import {
  type Clock,
  HubError,
  kindOf,
  parseNow,
  promiseOf,
  readJson,
  utf8Size,
  writeJson,
} from "../../contract/mod.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { Connection } from "../connection/connection.ts";
import type { Attendance } from "../groups/registry.ts";
import type { Leaving } from "./leaving.ts";
import type { NamedPlace, NamedPlaces } from "./named_places.ts";
import type { PresenceSource } from "./source.ts";

/** The size limit of a member's state, in bytes of its JSON. */
export const MAX_STATE_BYTES = 16 * 1024;

/** The most levels of lists and objects around a state in a message. They count for the depth limit of a value. */
const MAX_AROUND = 8;

/** For how many users the last time is remembered, until the clock shows a later time. */
const MAX_RECENT = 10_000;

/** Returns the first state of a connection in a place. */
export type StateOf = (
  entering: {
    readonly conn: Connection;
    readonly params: Readonly<Record<string, string>>;
    readonly name: string;
  },
) => unknown;

/** The options of {@linkcode Attendances}. */
export interface AttendancesOptions {
  /** Which rooms and topics are places. */
  readonly places: NamedPlaces;
  /** The source of presence: it gets each change. */
  readonly source: Pick<PresenceSource, "put" | "drop">;
  /** The connections that have ended, and whose users may come back. */
  readonly leaving: Pick<Leaving, "add">;
  /** The clock. */
  readonly clock: Clock;
  /** The identity of this node. */
  readonly nodeId: string;
  /** The functions that return first states, by pattern. */
  readonly stateOf: Readonly<Record<string, StateOf>>;
  /** Called when a connection has left a place. */
  left(place: NamedPlace, conn: Connection): void;
  /** Called with the errors of first states. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The connections of this node that are in places. */
export class Attendances {
  readonly #options: AttendancesOptions;
  /** The last time that was used for each user or anonymous connection. */
  readonly #recent = new Map<string, number>();
  #newest = 0;

  /** @param options Its options. */
  constructor(options: AttendancesOptions) {
    this.#options = options;
  }

  /** The listener for the members of a group; `undefined` if the group is not a place. */
  ofGroup(group: string): Attendance | undefined {
    const { places, source, leaving, left } = this.#options;
    const place = places.ofChannel(group);
    if (!place) return undefined;
    return {
      entered: (conn) => {
        const state = this.#firstState(place, conn);
        // `stateOf` of the application may have removed it.
        if (conn.isIn(group)) this.#enter(place, conn, state);
      },
      left: (conn, gone) => {
        if (gone) leaving.add(group, { id: conn.id, user: conn.userId });
        else source.drop(group, conn.id);
        left(place, conn);
      },
    };
  }

  /**
   * Sets the state of a connection.
   *
   * @param place The place.
   * @param conn The connection; absent when it is not on this node.
   * @param state The state, as the application gave it.
   * @throws {HubError} `VALIDATION` when the state does not fit the schema. `BAD_REQUEST` when JSON cannot carry it.
   * `TOO_LARGE`. `DISCONNECTED` when the connection is not in the place.
   */
  set(place: NamedPlace, conn: Connection | undefined, state: unknown): void {
    const parsed = readState(place, state);
    if (conn?.isIn(place.channel)) return this.#put(place, conn, parsed);
    throw new HubError(
      "DISCONNECTED",
      `Cannot set a state in "${place.name}": the connection is not in it, or not on this node`,
    );
  }

  /** Puts a connection into a place. If its state cannot be sent to other nodes, it enters without a state. */
  #enter(place: NamedPlace, conn: Connection, state: unknown): void {
    try {
      this.#put(place, conn, state);
    } catch (error) {
      this.#options.onError(error, { stage: "handler", name: place.name, connectionId: conn.id });
      if (state !== undefined) this.#enter(place, conn, undefined);
    }
  }

  #put({ channel }: NamedPlace, { id, userId }: Connection, state: unknown): void {
    const { source, nodeId } = this.#options;
    source.put(channel, { id, user: userId, node: nodeId, state, at: this.#nextAt(userId ?? id) });
  }

  /**
   * The time for a new state. Each state of a user gets a later time than the one before, also within a millisecond.
   */
  #nextAt(user: string): number {
    const { clock } = this.#options;
    const now = Math.floor(clock.wall?.() ?? clock.now());
    if (now > this.#newest || this.#recent.size >= MAX_RECENT) this.#recent.clear();
    const at = Math.max(now, (this.#recent.get(user) ?? 0) + 1);
    this.#recent.set(user, at);
    this.#newest = Math.max(this.#newest, at);
    return at;
  }

  #firstState(place: NamedPlace, conn: Connection): unknown {
    const { stateOf, onError } = this.#options;
    const { name, declared: { pattern } } = place;
    if (!Object.hasOwn(stateOf, pattern)) return undefined;
    try {
      const params = Object.assign(Object.create(null), place.params);
      const given = stateOf[pattern]!({ conn, params, name });
      const later = promiseOf(given);
      if (!later) return given === undefined ? undefined : readState(place, given);
      later.catch(() => {}); // its error does not matter: it is too late
      throw new TypeError(
        `Cannot use ${
          kindOf(given)
        } as a state of "${name}": presence.stateOf must return a value, not a promise`,
      );
    } catch (error) {
      onError(error, { stage: "handler", name, connectionId: conn.id });
      return undefined;
    }
  }
}

/**
 * Checks a state, and that it can be sent to other nodes and clients. Returns a copy, as they will get it: the
 * application may change the object later, or a getter may return other values.
 */
function readState({ name, declared }: NamedPlace, state: unknown): unknown {
  const parsed = parseNow(declared.state, state, "presence state of", name);
  if (parsed === undefined) return undefined;
  const text = write(parsed, name);
  const size = utf8Size(text);
  if (size > MAX_STATE_BYTES) {
    throw new HubError(
      "TOO_LARGE",
      `Cannot set a state of ${size} bytes in "${name}": the limit is ${MAX_STATE_BYTES}`,
    );
  }
  try {
    return parseNow(declared.state, readJson(text), "presence state of", name);
  } catch (cause) {
    const why = `its schema refuses its own output, so other nodes would refuse the state`;
    throw new HubError("VALIDATION", `Cannot set a state in "${name}": ${why}`, { cause });
  }
}

function write(state: unknown, name: string): string {
  let travelling = state;
  for (let i = 0; i < MAX_AROUND; i++) travelling = [travelling];
  try {
    return writeJson(travelling).slice(MAX_AROUND, -MAX_AROUND);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "unreadable";
    throw new HubError("BAD_REQUEST", `Cannot set a state in "${name}" that cannot be sent: ${why}`, {
      cause,
    });
  }
}
