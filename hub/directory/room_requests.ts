/**
 * Sends a request to all clients in a room, on all nodes. If a client does not answer, the answers of the others still
 * arrive in time.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../../contract/clock.ts";
import { fromWireError, HubError, isHubError, parse, toWireError } from "../../contract/mod.ts";
import { readOptions } from "../../contract/options/read_options.ts";
import type { MissingNode } from "../api/cluster.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { RoomAnswers, RoomRequestOptions } from "../api/room.ts";
import { readName, roomChannel } from "../backplane/channels.ts";
import { CLIENT_CALL } from "../connection/call_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { Events } from "../groups/events.ts";
import type { Registry } from "../groups/registry.ts";
import { BROADCAST } from "../groups/rooms.ts";
import type { NodeRequests } from "../nodes/node_requests.ts";
import type { Nodes } from "../nodes/nodes.ts";
import { readOutcome, writeOutcome } from "../session/once/outcome.ts";

/** How much longer to wait for a node than the node waits for its clients, in milliseconds. */
const GRACE_MS = 1_000;

const METHOD = "room:request";

const REQUEST = { ...CLIENT_CALL, ...BROADCAST };

/** The options of {@linkcode RoomRequests}. */
export interface RoomRequestsOptions {
  /** The other nodes. */
  readonly nodes: Nodes;
  /** Sends requests to the nodes. */
  readonly nodeRequests: NodeRequests;
  /** The events and requests of the contract. */
  readonly events: Events;
  /** The members of the rooms on this node. */
  readonly registry: Registry;
  /** The default time for a client's answer, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Called with the errors of this process, but not with the errors of clients. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** A request to a room. */
interface Asked {
  readonly room: string;
  readonly name: string;
  readonly input: unknown;
  readonly timeoutMs: number;
  /** The connection that is left out. */
  readonly except: string | undefined;
}

/** The answer or the error of one connection. */
type Came = readonly [id: string, outcome: { readonly output: unknown } | { readonly error: HubError }];

/** Sends requests to rooms. */
export class RoomRequests {
  readonly #options: RoomRequestsOptions;

  /** @param options Its options. */
  constructor(options: RoomRequestsOptions) {
    this.#options = options;
    options.nodeRequests.on(METHOD, async (given, _from, signal) => {
      const asked = readAsked(given);
      const { registry, events } = options;
      // Fails if this node's contract lacks the request. Otherwise its members would be missing, and the result would
      // not show it.
      if (registry.has(roomChannel(asked.room))) events.question(asked.name);
      const came = await this.#askOwn(asked, signal);
      return came.map(([id, outcome]) => [id, this.#write(asked.name, id, outcome)]);
    });
  }

  /** See `RoomQuestions.request`. */
  async request(
    room: string,
    name: string,
    input: unknown,
    options?: RoomRequestOptions,
  ): Promise<RoomAnswers<unknown>> {
    const { nodes, nodeRequests, events, requestTimeoutMs } = this.#options;
    const { except, timeoutMs: given = requestTimeoutMs, signal } = readOptions("request", options, REQUEST);
    const timeoutMs = Math.min(given, MAX_TIMER_MS); // Infinity does not cross the backplane
    const leftOut = except && readName(except.id, "connection to leave out");
    const { input: schema, output } = events.question(name);
    await parse(schema!, input, "input of", name);
    const asked = { room, name, input, timeoutMs, except: leftOut };
    const patience = { timeoutMs: timeoutMs + GRACE_MS, signal };
    const remote = nodeRequests.ask(nodes.others, METHOD, asked, patience);
    const [outcome, own] = await Promise.all([remote, this.#askOwn(asked, signal)]);
    signal?.throwIfAborted();
    const answers = new Map<string, unknown>();
    const errors = new Map<string, HubError>();
    const missing: MissingNode[] = [...nodes.unknown, ...outcome.missing];
    const take = ([id, outcome]: Came) => {
      if ("error" in outcome) errors.set(id, outcome.error);
      else answers.set(id, outcome.output);
    };
    own.forEach(take);
    for (const [node, list] of outcome.answers) {
      if (!Array.isArray(list) || !list.every(isAnswer)) missing.push(this.#unreadable(name, node));
      else for (const [id, text] of list) take([id, await this.#read(name, output!, text)]);
    }
    return { answers, errors, missing };
  }

  /** Asks the connections of this node whose role has the request. Never rejects. */
  #askOwn({ room, name, input, timeoutMs, except }: Asked, signal?: AbortSignal): Promise<Came[]> {
    const ask = async (conn: Connection): Promise<Came> => {
      try {
        return [conn.id, { output: await conn.ask(name, input, { timeoutMs, signal }) }];
      } catch (error) {
        return [conn.id, { error: this.#told(name, conn.id, error, signal) }];
      }
    };
    const members = [...this.#options.registry.members(roomChannel(room))];
    const fits = ({ id, surface }: Connection) =>
      id !== except && surface.serverToClient.get(name)?.input !== undefined;
    return Promise.all(members.filter(fits).map(ask));
  }

  /** The error for the caller. An error with private details is reported here instead. */
  #told(name: string, connectionId: string, error: unknown, signal?: AbortSignal): HubError {
    if (!isHubError(error) && !signal?.aborted) {
      this.#options.onError(error, { stage: "handler", name, connectionId });
    }
    return fromWireError(toWireError(error));
  }

  /** Writes an answer. One that cannot be encoded becomes an error, so that the other answers still arrive. */
  #write(name: string, connectionId: string, outcome: Came[1]): string {
    try {
      return "error" in outcome
        ? writeOutcome(["err", toWireError(outcome.error)])
        : writeOutcome(["res", outcome.output]);
    } catch (failure) {
      this.#options.onError(failure, { stage: "output", name, connectionId });
      return writeOutcome(["err", { code: "INTERNAL", message: `The answer to "${name}" cannot be sent` }]);
    }
  }

  #unreadable(name: string, node: string): MissingNode {
    const error = new HubError("BAD_REQUEST", `Cannot read the answer of node ${node} to "${name}"`);
    this.#options.onError(error, { stage: "delivery", name });
    return { node, reason: "invalid", code: error.code, message: error.message };
  }

  async #read(name: string, output: Parameters<typeof parse>[0], text: string): Promise<Came[1]> {
    try {
      const outcome = readOutcome(text);
      if (outcome[0] === "err") return { error: fromWireError(outcome[1]) };
      return { output: await parse(output, outcome[1], "output of", name) };
    } catch (error) {
      return { error: fromWireError(toWireError(error)) };
    }
  }
}

const isAnswer = (value: unknown): value is [id: string, text: string] =>
  Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "string";

function readAsked(asked: unknown): Asked {
  const { room, name, input, timeoutMs, except } = (asked ?? {}) as Record<string, unknown>;
  const isRight = typeof room === "string" && typeof name === "string" && typeof timeoutMs === "number" &&
    timeoutMs > 0 && (except === undefined || typeof except === "string");
  if (isRight) return { room, name, input, timeoutMs, except };
  throw new HubError("BAD_REQUEST", "Cannot read a request from another node");
}
