/**
 * What `createHub` takes, and what it assumes.
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
  KnownNames,
  NameOf,
  PresenceOf,
  RoleOf,
  TopicParams,
} from "../../contract/mod.ts";
import type { Transport } from "../../transports/transport.ts";
import type { AnyConnection, HubUser } from "./connection.ts";
import type { PresenceKind, PresenceOptions } from "./presence_options.ts";
import type { HubLimits } from "./limits.ts";
import type { RefusalReason } from "./refusals.ts";

/** What is known of a client when it asks to come in. */
export interface Handshake<Role extends string = string> {
  /** The role it asks for. */
  readonly role: Role;
  /** Its credential, if it sent one in its first message. */
  readonly token: string | undefined;
  /** The request that opened the link: headers, cookies, URL. */
  readonly request: Request;
  /** The address at the other end; see {@linkcode HubOptions.address}. */
  readonly address: string | undefined;
  /** Aborted when the client leaves or its time is up. */
  readonly signal: AbortSignal;
}

/** Who a client is. */
export interface Identity<Role extends string, User extends HubUser, Ctx> {
  /** The role it gets; must be the one it asked for, or it is refused with `FORBIDDEN`. */
  readonly role: Role;
  /** The user; absent for an anonymous one. Several connections may have the same. */
  readonly user?: User;
  /** Data of your own, for your handlers. It stays in this process. */
  readonly ctx?: Ctx;
}

/** What a client that wants to subscribe is judged by. */
export interface Authorization<Params, Conn> {
  /** The parameters of the topic's name. */
  readonly params: Params;
  /** The topic's name. */
  readonly topic: string;
  /** The connection. */
  readonly conn: Conn;
  /** Aborted when nobody waits for the answer any more: the client unsubscribes or is gone, or the time is up. */
  readonly signal: AbortSignal;
}

/** What a client that wants to be in a room again is judged by. */
export interface Rejoin<Conn> {
  /** The room's name. */
  readonly room: string;
  /** The connection. */
  readonly conn: Conn;
  /** Aborted when nobody waits for the answer any more: the client is gone, or the time is up. */
  readonly signal: AbortSignal;
}

/** What becomes of a connection that does not read as fast as it is sent to. */
export type SlowConsumerPolicy = "close" | "drop";

/** Where in the hub an error came up. */
export type HubErrorStage = AdapterStage | "handler" | "listener" | "connection" | "output" | "refused";

/** What is known of an error beside itself. */
export interface HubErrorInfo {
  /** Where it came up. */
  readonly stage: HubErrorStage;
  /** The backplane channel concerned. */
  readonly channel?: string;
  /** The request, signal or bus message concerned. */
  readonly name?: string;
  /** The connection concerned. */
  readonly connectionId?: string;
  /** Why a client was refused, with stage `"refused"`. */
  readonly reason?: RefusalReason;
  /**
   * For how many refusals of this reason, or messages of other nodes that were dropped for the same, the report stands: what
   * follows the first within 10 seconds is counted. Of messages absent for a single one.
   */
  readonly count?: number;
}

/** Why a connection ended. */
export interface DisconnectReason {
  /** The close code; see `CLOSE_CODES`, or one of WebSocket's own. */
  readonly code: number;
  /** For a person. */
  readonly reason: string;
}

/**
 * What {@linkcode createHub} takes.
 *
 * @typeParam D The contract's definition.
 * @typeParam User What `authenticate` calls a user.
 * @typeParam Ctx What `authenticate` attaches to a connection.
 */
export interface HubOptions<D extends ContractDefinition, User extends HubUser, Ctx> {
  /**
   * Decides who a client is. It runs before the hub looks at anything else that the client sends.
   *
   * Throw `HubError("UNAUTHENTICATED")` or `HubError("FORBIDDEN")` to refuse for good: the client will not try again
   * by itself. Any other error is reported, and the client may try again. A result without a role, or with a user whose
   * `id` is not a text, refuses the client and is reported.
   */
  authenticate(
    handshake: Handshake<RoleOf<D>>,
    // Not `RoleOf`, which the compiler works out too late to know that a text is meant as it stands.
  ): Identity<keyof D["roles"] & string, User, Ctx> | Promise<Identity<keyof D["roles"] & string, User, Ctx>>;
  /**
   * How clients reach this hub.
   *
   * @default {[createWebSocketTransport()]}
   */
  readonly transports?: readonly Transport[];
  /**
   * How messages become frames, the preferred one first; a client speaks one of them.
   *
   * @default {[jsonCodec]}
   */
  readonly codecs?: readonly Codec[];
  /**
   * How this hub reaches others.
   *
   * @default {createMemoryAdapter()}
   */
  readonly adapter?: Adapter;
  /**
   * Where the messages of topics with history are kept for the whole cluster: every node is given the same store, and a
   * client that comes back to any node gets what it missed. With `"per-node"`, or where the adapter has no store, each
   * node keeps its own in memory, within `limits.maxHistories` and `limits.maxHistoryBytes`, and recovers only for
   * clients that come back to the same node. Where other nodes can be reached and nothing was given, that is told to
   * `onError` once, with stage `"open"`.
   *
   * @default {adapter.history, else "per-node"}
   */
  readonly history?: HistoryStore | "per-node";
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
   * How long a rule of `authorize` or `rejoin` may take to answer, and a request or signal to come through `hub.use` to its
   * handler, in milliseconds; then it is refused with `TIMEOUT`.
   *
   * @default {10000}
   */
  readonly authorizeTimeoutMs?: number;
  /**
   * Decides whether a client that lost its connection gets back into a room that it names: on any node, after
   * `onConnection`, and before its status is `"open"`. Only `true` lets it in. `false` and a thrown error refuse, and
   * the client's `onRecovery` is told. A client may name any room: use the same check as before `room.add`. A rule that
   * throws
   * `UNAVAILABLE` or takes longer than `authorizeTimeoutMs` is asked again while the client is there. Without the rule rooms end
   * with the connection.
   */
  rejoin?(rejoin: Rejoin<AnyConnection<D, User, Ctx>>): boolean | Promise<boolean>;
  /**
   * Options of presence, for the rooms and topics for which the contract declares it. A kind alone means `{ kind }`.
   */
  readonly presence?: PresenceKind | PresenceOptions<D, User, Ctx>;
  /**
   * Called when a client is authenticated. The client's `ready` resolves only after this has ended. If it throws or
   * returns `false`, the connection is refused.
   */
  onConnection?(conn: AnyConnection<D, User, Ctx>): void | boolean | Promise<void | boolean>;
  /** Called once for every connection that `onConnection` was called for, when it is gone. */
  onDisconnect?(conn: AnyConnection<D, User, Ctx>, reason: DisconnectReason): void;
  /**
   * Reports every error that no caller receives.
   *
   * @default {console.error}
   */
  onError?(error: unknown, info: HubErrorInfo): void;
  /**
   * The web origins whose pages may connect: `"https://app.example"`, or `"*"` for all. Clients that are no browsers
   * send no Origin and are not concerned. Entries of a list are compared as URLs, `"null"` stands for pages without an
   * origin. Of a function only `true` lets in, and it must answer at once.
   *
   * @default {the origin that the request itself was sent to}
   */
  readonly origins?: "*" | readonly string[] | ((origin: string, request: Request) => boolean);
  /**
   * The address of a client, for the limits. Behind a proxy that you trust, read its header here.
   *
   * @default {the address at the other end of the link}
   */
  address?(request: Request, peer: string | undefined): string | undefined;
  /** The bounds. */
  readonly limits?: HubLimits;
  /**
   * What becomes of a connection that does not read as fast as it is sent to, beyond `limits.outbox`: it is closed,
   * or the oldest events and topic messages are dropped (never answers, never a topic with history). Topics with
   * `conflate` are conflated before that.
   *
   * @default {"close"}
   */
  readonly slowConsumer?: SlowConsumerPolicy;
  /**
   * The hub sends something to each client at least this often, in milliseconds, rounded up to a whole number. A client
   * that sends nothing for twice as long is closed.
   *
   * @default {25000}
   */
  readonly heartbeatMs?: number;
  /** The cluster. */
  readonly cluster?: {
    /**
     * How often a node tells the others that it lives, in milliseconds; at most a third of `nodeTimeoutMs`.
     *
     * @default {10000}
     */
    readonly heartbeatMs?: number;
    /**
     * A node that was not heard of for so long is down, in milliseconds; after half of that it is suspect.
     *
     * @default {30000}
     */
    readonly nodeTimeoutMs?: number;
    /**
     * How long a question to other nodes may take, in milliseconds.
     *
     * @default {5000}
     */
    readonly requestTimeoutMs?: number;
    /**
     * How long a question waits for nodes that are suspect, and for any while the backplane is away, in milliseconds.
     *
     * @default {1000}
     */
    readonly fastTimeoutMs?: number;
    /**
     * How long a node that starts waits until the others have heard of it, in milliseconds; 0 for not at all. A node
     * that nobody answers waits so long, unless its adapter can tell that it is alone.
     *
     * @default {250}
     */
    readonly joinTimeoutMs?: number;
  };
  /**
   * Whether to serve clients without waiting for the backplane, and to go on taking them into rooms and topics while
   * it is away: they hear this node at once, and the others from when the backplane is there. Without it the hub takes
   * no clients before the backplane is open, and joins fail while it is away.
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
   * How long the backplane may take to open, each subscribe to go live, and a shared history to answer, in milliseconds.
   *
   * @default {10000}
   */
  readonly backplaneTimeoutMs?: number;
  /**
   * How long a client may take to answer a request, in milliseconds, where the caller does not say; `Infinity` for as
   * long as it is connected.
   *
   * @default {10000}
   */
  readonly requestTimeoutMs?: number;
  /**
   * Where time comes from.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** The rules of a hub's options, as far as their names go. */
export interface RuleNames<D extends ContractDefinition, Topics, Places, States> {
  /** By topic pattern. */
  readonly authorize?: KnownNames<Topics, NameOf<AnyTopicsOf<D>>>;
  /** By pattern of the contract's presence. */
  readonly presence?: PresenceKind | {
    readonly authorize?: KnownNames<Places, NameOf<PresenceOf<D>>>;
    readonly stateOf?: KnownNames<States, NameOf<PresenceOf<D>>>;
  };
}

/** The options of a hub whose types are not known: what the parts of the hub see. */
export type AnyHubOptions = HubOptions<ContractDefinition, HubUser, unknown>;
