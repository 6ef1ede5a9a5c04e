/**
 * Reaches a connection by its id, on any node. The id contains the node.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../../contract/clock.ts";
import { type CallOptions, type CloseOptions, HubError, parse } from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { nodeChannel } from "../backplane/channels.ts";
import { readClosing, toClosing } from "../connection/close_arguments.ts";
import type { Connection } from "../connection/connection.ts";
import { own, owning } from "../connection/own_errors.ts";
import { readClientCall } from "../connection/call_options.ts";
import { nodeOf } from "../connection/connection_id.ts";
import type { MissingNode } from "../api/cluster.ts";
import type { Events } from "../groups/events.ts";
import type { Nodes } from "../nodes/nodes.ts";
import type { NodeRequests } from "../nodes/node_requests.ts";

/** How much longer to wait for the node than the node waits for its client, in milliseconds. */
const GRACE_MS = 1_000;

/** The options of {@linkcode Directory}. */
export interface DirectoryOptions {
  /** The backplane. */
  readonly backplane: Backplane;
  /** The other nodes. */
  readonly nodes: Nodes;
  /** Sends requests to the nodes. */
  readonly nodeRequests: NodeRequests;
  /** The events and requests of the contract. */
  readonly events: Events;
  /** The default time for a client's answer, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Finds a connection of this node. */
  find(id: string): Connection | undefined;
}

/** Reaches single connections. */
export class Directory {
  readonly #options: DirectoryOptions;

  /** @param options Its options. */
  constructor(options: DirectoryOptions) {
    this.#options = options;
    const { backplane, nodeRequests, find, events } = options;
    backplane.on("to", ([, id, name, payload]) => find(id)?.emit(name, events.parse(name, payload)));
    backplane.on("shut", ([, id, reason, code]) => find(id)?.shut(toClosing(code).code, reason));
    nodeRequests.on("connection:request", (asked, _from, signal) => {
      const { id, name, input, timeoutMs } = readRequest(asked);
      const conn = find(id);
      if (!conn) throw notFound(id);
      return conn.ask(name, input, { timeoutMs, signal });
    }, { relayed: true });
  }

  /** See `ConnectionTarget.emit`. */
  emit(id: string, name: string, payload: unknown): void {
    const { find, events, backplane } = this.#options;
    const conn = find(id);
    if (conn) return conn.emit(name, payload);
    backplane.publish(nodeChannel(nodeOf(id)), ["to", id, name, events.parse(name, payload)]);
  }

  /** See `ConnectionTarget.close`. */
  close(id: string, options?: CloseOptions): void {
    const { find, backplane } = this.#options;
    const { code, reason } = readClosing(options);
    const conn = find(id);
    if (conn) conn.shut(code, reason);
    else backplane.publish(nodeChannel(nodeOf(id)), ["shut", id, reason, code]);
  }

  /** See `ConnectionTarget.request`. */
  async request(id: string, name: string, input: unknown, options?: CallOptions): Promise<unknown> {
    const { find, nodes, nodeRequests, events, requestTimeoutMs } = this.#options;
    const conn = find(id);
    if (conn) return await conn.ask(name, input, options);
    const { timeoutMs: given = requestTimeoutMs, signal } = readClientCall(options);
    const timeoutMs = Math.min(given, MAX_TIMER_MS); // Infinity does not cross the backplane
    const { input: schema, output } = owning(() => events.question(name));
    await owning(() => parse(schema!, input, "input of", name));
    const node = nodeOf(id);
    if (!nodes.has(node)) throw notFound(id);
    const asked = { id, name, input, timeoutMs };
    const patience = { timeoutMs: timeoutMs + GRACE_MS, signal };
    const outcome = await owning(
      () => nodeRequests.ask([node], "connection:request", asked, patience),
      { signal },
    );
    const failure = outcome.failures.get(node);
    if (failure) throw failure;
    const [missing] = outcome.missing;
    if (!missing) return await owning(() => parse(output!, outcome.answers.get(node), "output of", name));
    throw own(whyMissing(missing, { id, name, timeoutMs }));
  }
}

/** Why there is no answer of a connection on another node. */
function whyMissing(
  { node, reason, code = "UNAVAILABLE", message = reason }: MissingNode,
  { id, name, timeoutMs }: { readonly id: string; readonly name: string; readonly timeoutMs: number },
): HubError {
  switch (reason) {
    case "left":
      return new HubError("DISCONNECTED", `The node of connection ${id} left before it answered "${name}"`);
    case "closed":
      return new HubError("UNAVAILABLE", `This hub was closed before connection ${id} answered "${name}"`);
    case "timeout":
    case "suspect":
    case "unreachable":
      return new HubError(
        "TIMEOUT",
        `No answer to "${name}" from node ${node} within ${timeoutMs + GRACE_MS} ms`,
      );
    default:
      return new HubError(code, `Cannot use the answer of connection ${id} to "${name}": ${message}`);
  }
}

const notFound = (id: string): HubError => new HubError("NOT_FOUND", `There is no connection ${id}`);

function readRequest(asked: unknown): { id: string; name: string; input: unknown; timeoutMs: number } {
  const { id, name, input, timeoutMs } = (asked ?? {}) as Record<string, unknown>;
  if (typeof id === "string" && typeof name === "string" && typeof timeoutMs === "number" && timeoutMs > 0) {
    return { id, name, input, timeoutMs };
  }
  throw own(new HubError("BAD_REQUEST", "Cannot read a request from another node"));
}
