/**
 * Queries and commands for connections anywhere in the cluster.
 *
 * @module
 */

import { type Clock, type CloseOptions, HubError } from "../../contract/mod.ts";
import { CLOSE } from "../../contract/options/close_options.ts";
import { readOptions } from "../../contract/options/read_options.ts";
import type {
  Cluster,
  ClusterCallOptions,
  ConnectionInfo,
  ConnectionQuery,
  Counted,
  MissingNode,
} from "../api/cluster.ts";
import type { AppCalls } from "../connection/app_calls.ts";
import { owning } from "../connection/own_errors.ts";
import type { ClusterListeners } from "../nodes/cluster_listeners.ts";
import { readName, roomChannel } from "../backplane/channels.ts";
import { LATE, ownPart } from "./own_part.ts";
import { readOrder, readQuery, writeQuery } from "./connection_query.ts";
import type { Connection } from "../connection/connection.ts";
import { NODE_CALL, readNodeCall } from "../connection/call_options.ts";
import { toClosing } from "../connection/close_arguments.ts";
import { nodeOf } from "../connection/connection_id.ts";
import type { Nodes } from "../nodes/nodes.ts";
import type { NodeRequests } from "../nodes/node_requests.ts";

/** The options of {@linkcode createCluster}. */
export interface ClusterParts {
  /** Runs the calls of the application. */
  readonly calls: AppCalls;
  /** This node. */
  readonly nodeId: string;
  /** The nodes. */
  readonly nodes: Nodes;
  /** Sends requests to the nodes. */
  readonly nodeRequests: NodeRequests;
  /** The listeners for cluster events. */
  readonly listeners: ClusterListeners;
  /** The clock. */
  readonly clock: Clock;
  /** The default timeout, in milliseconds. */
  readonly timeoutMs: number;
  /** The timeout for suspect nodes, in milliseconds. */
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

/** A query or a command on one node. */
interface Action {
  /** Its description, for errors. */
  readonly what: string;
  /** Reads which connections it is for. */
  readonly read: (given: unknown, what: string) => ConnectionQuery;
  /** Runs it for the connections of this node. */
  act(query: ConnectionQuery, how: How): unknown;
}

/** The arguments of a command, beside its query. */
interface How extends CloseOptions {
  /** The room; empty if the command has no room. */
  readonly room: string;
}

/** The arguments without a room. */
const NOWHERE: How = { room: "" };

const DISCONNECT = { ...NODE_CALL, ...CLOSE };

/** Makes the cluster's view of a hub. */
export function createCluster(
  { calls, nodeId, nodes, nodeRequests, listeners, clock, timeoutMs, fastTimeoutMs, ...local }: ClusterParts,
): Cluster {
  const actions = {
    connections: {
      what: "find connections",
      read: readQuery,
      act: (query) => local.find(query).map((conn) => describe(conn, nodeId)),
    },
    count: { what: "count connections", read: readQuery, act: (query) => local.find(query).length },
    exists: { what: "look for connections", read: readQuery, act: (query) => local.find(query).length > 0 },
    disconnect: {
      what: "disconnect connections",
      read: readOrder,
      act(query, how) {
        const found = local.find(query);
        const { code, reason } = toClosing(how.code, how.reason);
        for (const conn of found) conn.shut(code, reason);
        return found.length;
      },
    },
    join: {
      what: "put connections into a room",
      read: readOrder,
      async act(query, { room }) {
        const joined = await Promise.allSettled(local.find(query).map((conn) => local.join(conn, room)));
        return joined.filter(({ status }) => status === "fulfilled").length;
      },
    },
    leave: {
      what: "take connections out of a room",
      read: readOrder,
      act(query, { room }) {
        const found = local.find(query);
        const count = found.filter((conn) => conn.isIn(roomChannel(room))).length;
        for (const conn of found) local.leave(conn, room); // also connections that are still joining
        return count;
      },
    },
  } satisfies Record<string, Action>;
  type Name = keyof typeof actions;

  for (const [name, { what, read, act }] of Object.entries(actions) as [string, Action][]) {
    nodeRequests.on(`cluster:${name}`, (input) => {
      const { query, how } = readInput(input, what, read);
      return act(query, how);
    });
  }

  /** Asks the other nodes that may have such connections. The id of a connection names its node. */
  const askOthers = (
    name: Name,
    query: ConnectionQuery,
    how: How,
    options: ClusterCallOptions | undefined,
    enough?: (answer: unknown) => boolean,
  ) => {
    const patience = readNodeCall(name, options);
    const home = query.id === undefined ? undefined : nodeOf(query.id);
    const asked = home === undefined ? nodes.others : nodes.has(home) ? [home] : [];
    return nodeRequests.ask(asked, `cluster:${name}`, { query: writeQuery(query), ...how }, {
      timeoutMs: patience.timeoutMs ?? timeoutMs,
      fastTimeoutMs,
      signal: patience.signal,
      enough,
    });
  };

  /** Stands for the nodes that this node should have asked, and does not know yet. */
  const unknownTo = ({ id }: ConnectionQuery) =>
    id !== undefined && nodeOf(id) === nodeId ? [] : nodes.unknown;

  /** Runs the action on all nodes. The other nodes are asked first, so that all nodes work at the same time. */
  async function everywhere<T>(
    name: Name,
    given: unknown,
    how: How,
    options?: ClusterCallOptions,
  ): Promise<{ results: T[]; missing: readonly MissingNode[] }> {
    const { what, read, act } = actions[name] as Action;
    const query = read(given, what);
    readName(how.room, "room");
    const remote = askOthers(name, query, how, options);
    const { timeoutMs: ownMs = timeoutMs, signal } = readNodeCall(name, options);
    const own = ownPart(clock, act(query, how), { timeoutMs: ownMs, signal });
    const [{ answers, missing: unanswered }, here] = await Promise.all([remote, own]);
    const missing = [...unknownTo(query), ...unanswered];
    const results = [...answers.values()] as T[];
    if (here === LATE) return { results, missing: [{ node: nodeId, reason: "timeout" }, ...missing] };
    return { results: [here as T, ...results], missing };
  }

  const counted = async (
    name: Name,
    query: unknown,
    how: How,
    options?: ClusterCallOptions,
  ): Promise<Counted> => {
    const { results, missing } = await everywhere<unknown>(name, query, how, options);
    return {
      count: results.reduce<number>((sum, n) => sum + (Number.isSafeInteger(n) ? n as number : 0), 0),
      missing,
    };
  };

  const exists: Cluster["exists"] = async (given = {}, options) => {
    readNodeCall("exists", options).signal?.throwIfAborted();
    const { what, read, act } = actions.exists;
    const query = read(given, what);
    if (act(query)) return { exists: true, missing: [] };
    const { answers, missing } = await askOthers(
      "exists",
      query,
      NOWHERE,
      options,
      (answer) => answer === true,
    );
    const exists = [...answers.values()].includes(true);
    return { exists, missing: exists ? [] : [...unknownTo(query), ...missing] };
  };

  const connections: Cluster["connections"] = async (query = {}, options) => {
    const { results, missing } = await everywhere<unknown>("connections", query, NOWHERE, options);
    return {
      connections: results.flatMap((list) => Array.isArray(list) ? list.filter(isInfo) : []),
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
    exists: (query, options) => owning(() => exists(query, options), options),
    connections: (query, options) => owning(() => connections(query, options), options),
    count: (query = {}, options) => owning(() => counted("count", query, NOWHERE, options), options),
    disconnect: (query, options) =>
      calls.run("disconnect", () => {
        const { code, reason, ...patience } = readOptions("disconnect", options, DISCONNECT);
        return counted("disconnect", query, { room: "", code, reason }, patience);
      }, options),
    join: (query, room, options) => calls.run(room, () => counted("join", query, { room }, options), options),
    leave: (query, room, options) =>
      calls.run(room, () => counted("leave", query, { room }, options), options),
  };
}

function describe({ id, role, userId: user }: Connection, nodeId: string): ConnectionInfo {
  return user === undefined ? { id, nodeId, role } : { id, nodeId, role, user };
}

/** Reads a request from another node. A node of a newer version may send what this version does not understand. */
function readInput(
  input: unknown,
  what: string,
  read: Action["read"],
): { readonly query: ConnectionQuery; readonly how: How } {
  const { query, room, code, reason } = (input ?? {}) as Readonly<Record<string, unknown>>;
  try {
    const closing = readOptions("disconnect", { code, reason }, CLOSE);
    return { query: read(query, what), how: { room: readName(room, "room"), ...closing } };
  } catch (cause) {
    throw new HubError(
      "BAD_REQUEST",
      `Cannot read a request from another node: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

function isInfo(value: unknown): value is ConnectionInfo {
  const { id, nodeId, role, user } = (value ?? {}) as Record<string, unknown>;
  return [id, nodeId, role].every((text) => typeof text === "string") &&
    (user === undefined || typeof user === "string");
}
