/**
 * Queries and orders about connections anywhere in the cluster.
 *
 * @module
 */

import { CLOSE_CODES, HubError } from "../../contract/mod.ts";
import type {
  Cluster,
  ClusterCallOptions,
  ConnectionInfo,
  ConnectionQuery,
  Counted,
} from "../api/cluster.ts";
import type { ClusterListeners } from "../nodes/cluster_listeners.ts";
import { roomChannel } from "../backplane/channels.ts";
import type { Connection } from "../connection/connection.ts";
import { nodeOf } from "../connection/connection_id.ts";
import type { Nodes } from "../nodes/nodes.ts";
import type { NodeRequests } from "../nodes/node_requests.ts";

/** What {@linkcode createCluster} needs. */
export interface ClusterParts {
  /** This node. */
  readonly nodeId: string;
  /** The nodes. */
  readonly nodes: Nodes;
  /** How they are asked. */
  readonly nodeRequests: NodeRequests;
  /** Who wants to know what happens. */
  readonly listeners: ClusterListeners;
  /** How long by default, in milliseconds. */
  readonly timeoutMs: number;
  /** How long for nodes that are suspect, in milliseconds. */
  readonly fastTimeoutMs: number;
  /** Whether the backplane can be reached. */
  backplane(): "up" | "down";
  /** Which connections of this node fit a query. */
  find(query: ConnectionQuery): readonly Connection[];
  /** Puts a connection of this node into a room. */
  join(conn: Connection, room: string): Promise<void>;
  /** Takes a connection of this node out of a room. */
  leave(conn: Connection, room: string): void;
}

const QUERY_KEYS = ["id", "room", "user", "role", "topic"] as const;
type Action = (query: ConnectionQuery, room: string) => unknown;

/** Makes the cluster's view of a hub. */
export function createCluster(
  { nodeId, nodes, nodeRequests, listeners, timeoutMs, fastTimeoutMs, ...local }: ClusterParts,
): Cluster {
  const actions = {
    connections: (query) => local.find(query).map((conn) => describe(conn, nodeId)),
    count: (query) => local.find(query).length,
    exists: (query) => local.find(query).length > 0,
    disconnect: (query) => {
      const found = local.find(query);
      for (const conn of found) conn.close(CLOSE_CODES.DISCONNECTED, "Disconnected by the application");
      return found.length;
    },
    join: async (query, room) => {
      const joined = await Promise.allSettled(local.find(query).map((conn) => local.join(conn, room)));
      return joined.filter(({ status }) => status === "fulfilled").length;
    },
    leave: (query, room) => {
      const found = local.find(query).filter((conn) => conn.isIn(roomChannel(room)));
      for (const conn of found) local.leave(conn, room);
      return found.length;
    },
  } satisfies Record<string, Action>;

  for (const [name, action] of Object.entries(actions) as [string, Action][]) {
    nodeRequests.on(`cluster:${name}`, (input) => action(...readInput(input)));
  }

  /** Asks the other nodes that may have such connections: the id of a connection names its only one. */
  const askOthers = (
    name: keyof typeof actions,
    query: ConnectionQuery,
    room: string,
    options: ClusterCallOptions,
    enough?: (answer: unknown) => boolean,
  ) => {
    const home = query.id === undefined ? undefined : nodeOf(query.id);
    const asked = home === undefined ? nodes.others : nodes.has(home) ? [home] : [];
    return nodeRequests.ask(asked, `cluster:${name}`, { query, room }, {
      timeoutMs: options.timeoutMs ?? timeoutMs,
      fastTimeoutMs,
      signal: options.signal,
      enough,
    });
  };

  /** Does it here, and asks the others to; early on, so that all nodes work at once. */
  async function everywhere<T>(
    name: keyof typeof actions,
    query: ConnectionQuery,
    room: string,
    options: ClusterCallOptions = {},
  ): Promise<{ results: T[]; missing: string[] }> {
    const remote = askOthers(name, query, room, options);
    const [outcome, here] = await Promise.all([remote, (actions[name] as Action)(query, room)]);
    return {
      results: [here as T, ...outcome.answers.values() as Iterable<T>],
      missing: [...outcome.missing, ...outcome.failures.keys()],
    };
  }

  const counted = async (
    name: keyof typeof actions,
    query: ConnectionQuery,
    room: string,
    options?: ClusterCallOptions,
  ): Promise<Counted> => {
    const { results, missing } = await everywhere<unknown>(name, query, room, options);
    return {
      count: results.reduce<number>((sum, n) => sum + (Number.isSafeInteger(n) ? n as number : 0), 0),
      missing,
    };
  };

  return {
    get backplane() {
      return local.backplane();
    },
    nodes: () => nodes.list(),
    leader: () => nodes.leader(),
    on: (event, listener) => listeners.on(event, listener),
    estimate: () => nodes.list().reduce((sum, { connections }) => sum + connections, 0),
    async exists(query = {}, options = {}) {
      options.signal?.throwIfAborted();
      if (actions.exists(query)) return { exists: true, missing: [] };
      const { answers, missing, failures } = await askOthers(
        "exists",
        query,
        "",
        options,
        (answer) => answer === true,
      );
      const exists = [...answers.values()].includes(true);
      return { exists, missing: exists ? [] : [...missing, ...failures.keys()] };
    },
    async connections(query = {}, options) {
      const { results, missing } = await everywhere<unknown>("connections", query, "", options);
      return {
        connections: results.flatMap((list) => Array.isArray(list) ? list.filter(isInfo) : []),
        missing,
      };
    },
    count: (query = {}, options) => counted("count", query, "", options),
    disconnect: (query, options) => counted("disconnect", query, "", options),
    join: (query, room, options) => counted("join", query, room, options),
    leave: (query, room, options) => counted("leave", query, room, options),
  };
}

function describe({ id, role, user }: Connection, nodeId: string): ConnectionInfo {
  return user ? { id, nodeId, role, user: user.id } : { id, nodeId, role };
}

/** A question as another node sent it. */
function readInput(input: unknown): [query: ConnectionQuery, room: string] {
  const { query, room } = (input ?? {}) as { query?: Record<string, unknown>; room?: unknown };
  const valid = typeof room === "string" && typeof query === "object" && query !== null &&
    QUERY_KEYS.every((key) => query[key] === undefined || typeof query[key] === "string");
  if (!valid) throw new HubError("BAD_REQUEST", "Cannot read the question of another node");
  return [query, room];
}

function isInfo(value: unknown): value is ConnectionInfo {
  const { id, nodeId, role, user } = (value ?? {}) as Record<string, unknown>;
  return [id, nodeId, role].every((text) => typeof text === "string") &&
    (user === undefined || typeof user === "string");
}
