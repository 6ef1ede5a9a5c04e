/**
 * The types of presence for users of a client.
 *
 * @module
 */

import type {
  AsyncDisposing,
  CallOptions,
  ContractDefinition,
  HubError,
  PatternOf,
  PresenceBy,
  PresenceChange,
  PresenceMember,
  PresenceNames,
  PresenceOf,
  PresencePage,
  PresenceStateInput,
  WebAbortSignal,
} from "../../contract/mod.ts";

/** A room or topic with presence. The type is resolved early, so that compiler errors show the names. */
export type PlaceOf<D extends ContractDefinition> = PresenceNames<D> extends infer N extends string
  ? N | { readonly topic: N }
  : never;

/** The type of a state that a client may set: `never` if the contract does not have `clientsSet: true`. */
export type ClientStateInput<D extends ContractDefinition, N extends string> =
  PresenceOf<D>[PatternOf<keyof PresenceOf<D> & string, N> & keyof PresenceOf<D>] extends
    { readonly clientsSet: true } ? PresenceStateInput<D, N> : never;

/** Options of {@linkcode presence}. */
export interface PresenceOptions {
  /**
   * `"user"`: a user with all its connections is one member, and each anonymous connection is one. `"connection"`:
   * each connection is one member.
   *
   * @default {"user"}
   */
  readonly by?: PresenceBy;
  /** Closes the view when it aborts. If `ready` has not settled yet, it rejects with the signal's reason. */
  readonly signal?: WebAbortSignal;
}

/** Options of {@linkcode PresenceView.page}. */
export interface MembersOptions extends CallOptions {
  /**
   * The largest number of members, up to 1,000. If states are large, a page holds fewer members.
   *
   * @default {100}
   */
  readonly limit?: number;
  /** Where the page begins: the cursor of the page before. Absent: the first page. */
  readonly cursor?: string;
}

/**
 * The status of a view. `"syncing"`: the connection is away, or the server does not know every member yet. `"live"`:
 * the view is complete. `"ended"`: it ended for good.
 */
export type PresenceStatus = "syncing" | "live" | "ended";

/** The arguments of a view's listeners, by event. */
export interface PresenceEvents<State> {
  /** A member came. */
  readonly join: PresenceMember<State>;
  /** A member left. The value is the member as it was before. */
  readonly leave: PresenceMember<State>;
  /** A member has another state, or another node serves it. */
  readonly update: PresenceMember<State>;
  /** The number of members changed. The value is the new number. */
  readonly count: number;
  /**
   * The view is complete: for the first time, or again. If another view of the same place is already complete, a new
   * view is complete from the start, and there is no `sync` event.
   */
  readonly sync: undefined;
}

/**
 * The members of a room or topic, kept up to date while the view is open. After a reconnect the server sends the
 * members again, and the view reports changes since then as events. Iterating gives every change from then on. If a
 * reader falls more than 10,000 changes behind, it gets an error.
 */
export interface PresenceView<State, StateInput = State>
  extends AsyncIterable<PresenceChange<State>>, AsyncDisposing {
  /** The name of the room or topic. */
  readonly name: string;
  /** What the view counts as one member. */
  readonly by: PresenceBy;
  /**
   * Resolves when the view is complete for the first time: it has all members that its node knows. A member that
   * came on another node a moment ago may follow, as a `join`. While there is no link, `ready` waits for one. It never
   * causes an unhandled rejection: if your code does not use `ready`, a refusal goes to `onError`. It rejects with:
   * - `FORBIDDEN`, when the client is not in the room or topic, or may not see its members. As long as requests of the
   *   client have no answer, the view waits: one of them may enter the room
   * - another error of the server, when it refuses the view
   * - `UNAVAILABLE`, when the hub keeps no presence
   * - `TIMEOUT`, when the hub does not answer
   * - `DISCONNECTED`, after `close()`
   * - the cause, when the client ends for good
   */
  readonly ready: Promise<void>;
  /**
   * Resolves when the view has ended: with the cause, or with `undefined` after `close()`. The cause is `FORBIDDEN`
   * when the client left the room or topic. Never rejects.
   */
  readonly closed: Promise<HubError | undefined>;
  /** The status of the view. */
  readonly status: PresenceStatus;
  /** Whether the view is complete: `status` is `"live"`. If it is not, `list()` gives the last known members. */
  readonly synced: boolean;
  /** The number of members; 0 until it is known. */
  readonly count: number;
  /**
   * Whether the members are listed. If a place has too many members, only `count` is known; see {@linkcode
   * PresenceView.page}.
   */
  readonly listed: boolean;
  /** The known members, sorted by id. Empty if the members are not listed. */
  list(): readonly PresenceMember<State>[];
  /**
   * Asks the hub for one page of the members. This also works if they are not listed.
   *
   * @param options Which page, and how long to wait.
   * @returns The page. Rejects as requests do; with `FORBIDDEN` when the client may not see the members.
   */
  page(options?: MembersOptions): Promise<PresencePage<State>>;
  /**
   * Listens to an event. Members that are in the first complete list cause no `join`.
   *
   * @param event The event.
   * @param listener The function to call. Its errors go to `onError`. If several changes arrive together, `list()`
   * already includes all of them.
   * @returns A function that stops listening.
   */
  on<E extends keyof PresenceEvents<State>>(
    event: E,
    listener: (value: PresenceEvents<State>[E]) => unknown,
  ): () => void;
  /**
   * Sets the state of this client's own connection, which has to be in the room or topic. While there is no link, the
   * call waits as requests do. As long as a view of this room or topic is open, the client sets the state again on
   * every new connection. It then counts as the latest state of the user. If that is refused, `onError` gets the
   * error.
   *
   * @param state The state. It is checked here, and parsed by the server.
   * @returns Resolves when it is set. Rejects with `FORBIDDEN` when the contract does not let clients set it, or when
   * the client is not in the place; with `VALIDATION` when it does not fit; and as requests do.
   */
  set(state: StateInput): Promise<void>;
  /** Closes the view: no listener is called again. Idempotent. */
  close(): void;
}
