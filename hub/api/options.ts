/**
 * The options of `createHub`, and their defaults.
 *
 * @module
 */

import type { Adapter, AdapterStage } from "../../adapters/adapter.ts";
import type { HistoryStore } from "../../adapters/history_store.ts";
import type {
  AnyTopicsOf,
  Clock,
  Codec,
  ContractDefinition,
  RoleOf,
  TopicParams,
} from "../../contract/mod.ts";
import type { Transport } from "../../transports/transport.ts";
import type { Awaitable } from "./bus.ts";
import type { AnyConnection, HubUser } from "./connection.ts";
import type { PresenceKind, PresenceOptions } from "./presence_options.ts";
import type { HubLimits } from "./limits.ts";
import type { RefusalReason } from "./refusals.ts";

/** The argument of `authenticate`: a client that wants to connect. */
export interface Handshake<Role extends string = string> {
  /** The role that the client asks for. */
  readonly role: Role;
  /** The client's credential, if it sent one in its first message. */
  readonly token: string | undefined;
  /** The request that opened the link: headers, cookies, URL. */
  readonly request: Request;
  /** The address of the client; see {@linkcode HubOptions.address}. */
  readonly address: string | undefined;
  /** Aborted when the client leaves or its time is up. */
  readonly signal: AbortSignal;
}

/** The role in an answer of `authenticate`. */
export interface RoleAnswer<Role extends string> {
  /**
   * The client's role. It must be the role that the client asked for; otherwise the hub refuses the client with
   * `FORBIDDEN`.
   */
  readonly role: Role;
}

/** The user in an answer of `authenticate`. It may be absent only if the type of a user says so. */
export interface UserAnswer<User> {
  /** The user; absent for an anonymous client. Several connections may have the same user. */
  readonly user: User;
}

/** The data of your own in an answer of `authenticate`. It may be absent only if its type says so. */
export interface CtxAnswer<Ctx> {
  /** Data of your own, for your handlers. It stays in this process. */
  readonly ctx: Ctx;
}

/** The answer of `authenticate`: the identity of a client. */
export type Identity<Role extends string, User extends HubUser | undefined, Ctx> =
  & RoleAnswer<Role>
  & (undefined extends User ? Partial<UserAnswer<User>> : UserAnswer<User>)
  & (undefined extends Ctx ? Partial<CtxAnswer<Ctx>> : CtxAnswer<Ctx>);

/** The argument of a rule of `authorize`: a client that wants to subscribe. */
export interface Authorization<Params, Conn> {
  /** The parameters of the topic's name. */
  readonly params: Params;
  /** The topic's name. */
  readonly topic: string;
  /** The connection. */
  readonly conn: Conn;
  /** Aborted when the answer is no longer needed: the client unsubscribes or is gone, or the time is up. */
  readonly signal: AbortSignal;
}

/** The argument of the rule `rejoin`: a client that wants to be in a room again. */
export interface Rejoin<Conn> {
  /** The room's name. */
  readonly room: string;
  /** The connection. */
  readonly conn: Conn;
  /** Aborted when the answer is no longer needed: the client is gone, or the time is up. */
  readonly signal: AbortSignal;
}

/** What the hub does with a connection that reads more slowly than the hub sends. */
export type SlowConsumerPolicy = "close" | "drop";

/** Where in the hub an error happened. */
export type HubErrorStage =
  | AdapterStage
  | "handler"
  | "listener"
  | "connection"
  | "output"
  | "refused"
  | "call";

/** The second argument of `onError`. */
export interface HubErrorInfo {
  /** Where it happened. */
  readonly stage: HubErrorStage;
  /** The channel of the backplane. */
  readonly channel?: string;
  /**
   * The request, signal or bus message. With stage `"call"`: the topic, room or message of your call, or `"disconnect"`
   * for `cluster.disconnect`.
   */
  readonly name?: string;
  /** The connection. */
  readonly connectionId?: string;
  /** With stage `"refused"`: why the hub refused a client. */
  readonly reason?: RefusalReason;
  /**
   * How many refusals of this reason, dropped messages of other nodes, or calls whose promise no code awaits, this report
   * stands for. The hub reports the first at once, and counts those that follow within 10 seconds. For a single message or
   * call it is absent.
   */
  readonly count?: number;
}

/** Why a connection ended. */
export interface DisconnectReason {
  /** The close code; see `CLOSE_CODES`, or one of the WebSocket protocol. */
  readonly code: number;
  /** A text for people. */
  readonly reason: string;
}

/** How nodes of a cluster find out that another one is gone, and how long questions between them may take. */
export interface HubClusterOptions {
  /**
   * How often a node sends a heartbeat to the other nodes, in milliseconds; at most a third of `nodeTimeoutMs`.
   *
   * @default {10000}
   */
  readonly heartbeatMs?: number;
  /**
   * A node that sends nothing for this time is down, in milliseconds. After half of it the node is suspect.
   *
   * @default {30000}
   */
  readonly nodeTimeoutMs?: number;
  /**
   * How long a request to other nodes may take, in milliseconds.
   *
   * @default {5000}
   */
  readonly requestTimeoutMs?: number;
  /**
   * How long a request waits for suspect nodes, in milliseconds; while the backplane is away, for any node.
   *
   * @default {1000}
   */
  readonly fastTimeoutMs?: number;
  /**
   * How long a starting node waits for answers of the other nodes, in milliseconds; 0 for no wait. A node that gets
   * no answer waits for the whole time, unless its adapter can tell that it is alone.
   *
   * @default {250}
   */
  readonly joinTimeoutMs?: number;
}

/**
 * Options of {@linkcode createHub}, without its rules.
 *
 * @typeParam D The contract's definition.
 * @typeParam User The type of a user in the answer of `authenticate`.
 * @typeParam Ctx The type of `ctx` in the answer of `authenticate`.
 */
export interface HubBaseOptions<D extends ContractDefinition, User extends HubUser | undefined, Ctx> {
  /**
   * Decides who a client is. It runs before the hub looks at anything else that the client sends.
   *
   * Throw `HubError("UNAUTHENTICATED")` or `HubError("FORBIDDEN")` to refuse for good: the client does not try again by
   * itself. The hub reports any other error, and the client may try again. The hub also refuses and reports a result
   * without a role or with properties other than those of {@linkcode Identity}, and a user with an `id` that is not
   * text.
   */
  authenticate(
    handshake: Handshake<RoleOf<D>>,
    // Not `RoleOf`: the compiler resolves it too late, and would widen a literal role to `string`.
  ): Awaitable<Identity<keyof D["roles"] & string, User, Ctx>>;
  /**
   * How clients reach this hub.
   *
   * @default {[createWebSocketTransport()]}
   */
  readonly transports?: readonly Transport[];
  /**
   * How messages become frames, the preferred codec first. A client uses one of them.
   *
   * @default {[jsonCodec]}
   */
  readonly codecs?: readonly Codec[];
  /**
   * How this hub reaches other nodes.
   *
   * @default {createMemoryAdapter()}
   */
  readonly adapter?: Adapter;
  /**
   * Where the hub keeps the messages of topics with history. Give every node the same store: then a client that comes
   * back to any node gets the messages that it missed.
   *
   * With `"per-node"`, or when the adapter has no store, each node keeps its own histories in memory, within
   * `limits.maxHistories` and `limits.maxHistoryBytes`. Then a client gets missed messages only when it comes back to
   * the same node. If the adapter reaches other nodes and you gave no `history`, the hub reports this once to
   * `onError`, with stage `"open"`.
   *
   * @default {adapter.history, else "per-node"}
   */
  readonly history?: HistoryStore | "per-node";
  /**
   * How long a rule of `authorize` or `rejoin` may take to answer, in milliseconds. The same time holds for a request
   * or signal on its way through `hub.use` to its handler. When it is over, the hub refuses with `TIMEOUT`.
   *
   * @default {10000}
   */
  readonly authorizeTimeoutMs?: number;
  /**
   * Called when a client is authenticated. The client's `ready` resolves after this has ended. If it throws or
   * returns `false`, the hub refuses the connection.
   */
  onConnection?(conn: AnyConnection<D, User, Ctx>): void | boolean | Promise<void | boolean>;
  /** Called once for each connection that `onConnection` was called for, when the connection is gone. */
  onDisconnect?(conn: AnyConnection<D, User, Ctx>, reason: DisconnectReason): void;
  /**
   * Reports every error that no caller receives.
   *
   * @default {console.error}
   */
  onError?(error: unknown, info: HubErrorInfo): void;
  /**
   * The web origins whose pages may connect: `"https://app.example"`, or `"*"` for all. The hub compares the entries
   * of a list as URLs. `"null"` stands for pages without an origin. A function must answer at once, and only `true`
   * lets the page in; it must read the request at once, because Deno's requests end with the answer. Clients that are
   * not browsers send no Origin, and may always connect.
   *
   * @default {the origin that the request itself was sent to}
   */
  readonly origins?: "*" | readonly string[] | ((origin: string, request: Request) => boolean);
  /**
   * The address of a client, for the limits. Behind a proxy that you trust, read the proxy's header here, at once:
   * Deno's requests end with the answer.
   *
   * @default {the address of the link's other end}
   */
  address?(request: Request, peer: string | undefined): string | undefined;
  /** The limits. */
  readonly limits?: HubLimits;
  /**
   * What the hub does when a connection reads too slowly, so that more messages wait than `limits.outbox` allows. It
   * closes the connection, or drops the oldest events and topic messages. Before that it conflates topics with
   * `conflate`. It never drops answers or messages of a topic with history.
   *
   * @default {"close"}
   */
  readonly slowConsumer?: SlowConsumerPolicy;
  /**
   * The hub sends something to each client at least this often, in milliseconds, rounded up to a whole number. It
   * closes a client that sends nothing for twice as long.
   *
   * @default {25000}
   */
  readonly heartbeatMs?: number;
  /** The cluster. */
  readonly cluster?: HubClusterOptions;
  /**
   * Whether to serve clients without waiting for the backplane, and to let them join rooms and topics while it is
   * away. These clients get messages of this node at once, and messages of other nodes when the backplane is there.
   * Without this option the hub takes no clients before the backplane is open, and joins fail while it is away.
   *
   * @default {false}
   */
  readonly startWithoutBackplane?: boolean;
  /**
   * How long the backplane may be away before `/health/ready` says that this node should get no clients, in
   * milliseconds.
   *
   * @default {Infinity}
   */
  readonly maxBackplaneDownMs?: number;
  /**
   * How long the backplane may take to open, and to make each subscription live, in milliseconds. A shared history
   * may take as long to answer.
   *
   * @default {10000}
   */
  readonly backplaneTimeoutMs?: number;
  /**
   * How long a client may take to answer a request, in milliseconds, when the caller gives no time. `Infinity`: as
   * long as the client is connected.
   *
   * @default {10000}
   */
  readonly requestTimeoutMs?: number;
  /**
   * The clock.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Options of {@linkcode createHub}.
 *
 * @typeParam D The contract's definition.
 * @typeParam User The type of a user in the answer of `authenticate`.
 * @typeParam Ctx The type of `ctx` in the answer of `authenticate`.
 */
export interface HubOptions<D extends ContractDefinition, User extends HubUser | undefined, Ctx>
  extends HubBaseOptions<D, User, Ctx> {
  /**
   * The rules that decide who may subscribe, by topic pattern. Only `true` allows. `false` and a thrown error refuse.
   * Any other value refuses too, and is reported. A topic without a rule is open to every role that has it.
   */
  readonly authorize?: {
    readonly [P in keyof TopicParams<AnyTopicsOf<D>>]?: (
      authorization: Authorization<TopicParams<AnyTopicsOf<D>>[P], AnyConnection<D, User, Ctx>>,
    ) => boolean | Promise<boolean>;
  };
  /**
   * Decides whether a client that lost its connection gets back into a room that it names. The hub asks it on any
   * node, after `onConnection` and before the client's status is `"open"`. Only `true` lets the client in. `false`
   * and a thrown error refuse, and the client's `onRecovery` gets the error. A client may name any room: make the
   * same check as before `room.add`. If the rule throws `UNAVAILABLE` or takes longer than `authorizeTimeoutMs`, the
   * hub asks it again while the client is connected. Without the rule a lost connection also loses its rooms.
   */
  rejoin?(rejoin: Rejoin<AnyConnection<D, User, Ctx>>): boolean | Promise<boolean>;
  /**
   * Presence options, for the rooms and topics with presence in the contract. A kind alone means `{ kind }`.
   */
  readonly presence?: PresenceKind | PresenceOptions<D, User, Ctx>;
}

/** The options of a hub whose types are not known, for the parts of the hub. */
export type AnyHubOptions = HubOptions<ContractDefinition, HubUser | undefined, unknown>;
