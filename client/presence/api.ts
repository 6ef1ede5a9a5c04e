/**
 * Presence as users of a client see it: types only.
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

/** A room or topic whose presence a contract keeps. Worked out, so that the compiler's errors show the names. */
export type PlaceOf<D extends ContractDefinition> = PresenceNames<D> extends infer N extends string
  ? N | { readonly topic: N }
  : never;

/** What a client may give to set its own state: nothing where the contract does not say `clientsSet: true`. */
export type ClientStateInput<D extends ContractDefinition, N extends string> =
  PresenceOf<D>[PatternOf<keyof PresenceOf<D> & string, N> & keyof PresenceOf<D>] extends
    { readonly clientsSet: true } ? PresenceStateInput<D, N> : never;

/** Options of {@linkcode presence}. */
export interface PresenceOptions {
  /**
   * `"user"`: a user with all of its connections is one member, and each anonymous connection one. `"connection"`: each
   * connection is.
   *
   * @default {"user"}
   */
  readonly by?: PresenceBy;
  /** Closes the view when aborted; a `ready` that is still waiting rejects with the signal's reason. */
  readonly signal?: WebAbortSignal;
}

/** Which page. */
export interface MembersOptions extends CallOptions {
  /**
   * How many members at the most, up to 1,000. Members with large states come in smaller pages.
   *
   * @default {100}
   */
  readonly limit?: number;
  /** Where it begins: what the page before ended with. Absent: the first page. */
  readonly cursor?: string;
}

/**
 * Where a view stands: `"syncing"` while the connection is away, or the server does not know of everybody; `"live"` while it
 * does; `"ended"` for good.
 */
export type PresenceStatus = "syncing" | "live" | "ended";

/** What listeners of a view are given, by event. */
export interface PresenceEvents<State> {
  /** Somebody came. */
  readonly join: PresenceMember<State>;
  /** Somebody left: as it was. */
  readonly leave: PresenceMember<State>;
  /** Somebody has another state, or is served by another node. */
  readonly update: PresenceMember<State>;
  /** There are more or less members: how many. */
  readonly count: number;
  /**
   * The view is whole: for the first time, or again. Where another view of the same is whole already, so is this one from the
   * start, and nothing is told of that.
   */
  readonly sync: undefined;
}

/**
 * Who is in a room or topic, as a client sees it, kept true for as long as it is open: whenever the link comes back the
 * members are told anew, and what has changed meanwhile comes as events. Iterating gives every change from then on; a
 * reader that falls more than 10,000 changes behind is ended by an error.
 */
export interface PresenceView<State, StateInput = State>
  extends AsyncIterable<PresenceChange<State>>, AsyncDisposing {
  /** The name of the room or topic. */
  readonly name: string;
  /** Whom it counts as one. */
  readonly by: PresenceBy;
  /**
   * Resolves when the view is whole for the first time. While there is no link it waits for one. Rejects with the server's
   * error when it is refused (`FORBIDDEN`: the client is not in, or may not look), with `UNAVAILABLE` when the hub keeps no
   * presence, with `TIMEOUT` when it does not answer, with the cause when the client ends for good, and with `DISCONNECTED`
   * after `close()`. It never causes an unhandled rejection: if your code does not use `ready`, a refusal goes to
   * `onError`.
   */
  readonly ready: Promise<void>;
  /**
   * Resolves when the view has ended: with the cause, or `undefined` after `close()`. `FORBIDDEN` when the client is not in
   * the room or topic any more. Never rejects.
   */
  readonly closed: Promise<HubError | undefined>;
  /** Where it stands. */
  readonly status: PresenceStatus;
  /** Whether it is whole: `status` is `"live"`. While it is not, the members are those that were known last. */
  readonly synced: boolean;
  /** How many members there are; 0 until it is known. */
  readonly count: number;
  /** Whether the members are listed. In places with too many only `count` is told; see {@linkcode PresenceView.page}. */
  readonly listed: boolean;
  /** The members that are known, by the order of their ids; none where they are not listed. */
  list(): readonly PresenceMember<State>[];
  /**
   * Asks the hub for a part of the members, listed or not.
   *
   * @param options Which, and how patiently.
   * @returns Rejects as requests do; with `FORBIDDEN` when the client may not look.
   */
  page(options?: MembersOptions): Promise<PresencePage<State>>;
  /**
   * Listens. Members that were in when the view became whole for the first time are no joins.
   *
   * @param event What to listen to.
   * @param listener What to call; what it throws goes to `onError`. `list()` is then as it is after all that came at once.
   * @returns Stops it.
   */
  on<E extends keyof PresenceEvents<State>>(
    event: E,
    listener: (value: PresenceEvents<State>[E]) => unknown,
  ): () => void;
  /**
   * Sets the state of this client's own connection, which has to be in the room or topic. While there is no link it waits as
   * requests do. As long as a view of this room or topic is open it is set again on every connection, and then counts as set
   * last among the user's; what is refused then goes to `onError`.
   *
   * @param state The state; it is checked here, and parsed by the server.
   * @returns Rejects with `FORBIDDEN` where the contract does not let clients set it, or the client is not in; with
   * `VALIDATION` when it does not fit; and as requests do.
   */
  set(state: StateInput): Promise<void>;
  /** Ends it: no listener is called again. Idempotent. */
  close(): void;
}
