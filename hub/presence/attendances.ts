/**
 * Who of this node is in which place: connections that enter and leave rooms and topics, and the states that they have there.
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

/** The largest state of a member, in bytes of its JSON. */
export const MAX_STATE_BYTES = 16 * 1024;

/** How many lists and objects there may be around a state on its way: they count for how deep a value may be. */
const MAX_AROUND = 8;

/** Of so many users it is remembered when their states were set, while the clock shows no later time. */
const MAX_RECENT = 10_000;

/** Gives the first state of a connection in a place. */
export type StateOf = (
  entering: {
    readonly conn: Connection;
    readonly params: Readonly<Record<string, string>>;
    readonly name: string;
  },
) => unknown;

/** What {@linkcode Attendances} needs. */
export interface AttendancesOptions {
  /** Which rooms and topics are places. */
  readonly places: NamedPlaces;
  /** Who is told of who is where. */
  readonly source: Pick<PresenceSource, "put" | "drop">;
  /** Connections that are gone, and may be back. */
  readonly leaving: Pick<Leaving, "add">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** The identity of this node. */
  readonly nodeId: string;
  /** What gives the first states, by pattern. */
  readonly stateOf: Readonly<Record<string, StateOf>>;
  /** A connection is not in a place any more. */
  left(place: NamedPlace, conn: Connection): void;
  /** Reports first states that cannot be had. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The connections of this node that are in places. */
export class Attendances {
  readonly #options: AttendancesOptions;
  /** When states were set for users, or anonymous connections, not long before the newest of them. */
  readonly #recent = new Map<string, number>();
  #newest = 0;

  /** @param options What it needs. */
  constructor(options: AttendancesOptions) {
    this.#options = options;
  }

  /** Hears of the members of a group, where that is a place. */
  ofGroup(group: string): Attendance | undefined {
    const { places, source, leaving, left } = this.#options;
    const place = places.ofChannel(group);
    if (!place) return undefined;
    return {
      entered: (conn) => {
        const state = this.#firstState(place, conn);
        // The application may have taken it out again.
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
   * @param place Where it is.
   * @param conn The connection; absent when it is not on this node.
   * @param state What it is given as.
   * @throws {HubError} `VALIDATION` when the state does not fit, `BAD_REQUEST` or `TOO_LARGE` when it cannot travel,
   * `DISCONNECTED` when the connection is not in.
   */
  set(place: NamedPlace, conn: Connection | undefined, state: unknown): void {
    const parsed = readState(place, state);
    if (conn?.isIn(place.channel)) return this.#put(place, conn, parsed);
    throw new HubError(
      "DISCONNECTED",
      `Cannot set a state in "${place.name}": the connection is not in, or not on this node`,
    );
  }

  /** Puts a connection in; without its state where the others cannot be told that. */
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

  /** The time; of a user's states each has a later one than that before, however little time has passed. */
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
      later.catch(() => {}); // whatever it is, it comes too late
      throw new TypeError(
        `Cannot use ${kindOf(given)} as a state of "${name}": presence.stateOf has to answer at once`,
      );
    } catch (error) {
      onError(error, { stage: "handler", name, connectionId: conn.id });
      return undefined;
    }
  }
}

/**
 * Checks a state, and that it can travel to other nodes and to clients. Gives what they will have of it: whoever set it may
 * change the object, or it reads differently each time.
 */
function readState({ name, declared }: NamedPlace, state: unknown): unknown {
  const parsed = parseNow(declared.state, state, "presence state of", name);
  if (parsed === undefined) return undefined;
  const text = write(parsed, name);
  const size = utf8Size(text);
  if (size > MAX_STATE_BYTES) {
    throw new HubError(
      "TOO_LARGE",
      `Cannot set a state of ${size} bytes in "${name}": it may have ${MAX_STATE_BYTES}`,
    );
  }
  try {
    return parseNow(declared.state, readJson(text), "presence state of", name);
  } catch (cause) {
    const why = `its schema refuses what it made of it itself, as it would on other nodes`;
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
    throw new HubError("BAD_REQUEST", `Cannot set a state in "${name}" that cannot travel: ${why}`, {
      cause,
    });
  }
}
