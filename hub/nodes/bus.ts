/**
 * Bus events and bus requests: messages of the application between its servers.
 *
 * @module
 */

import {
  type CallOptions,
  callSafely,
  type Contract,
  type Entry,
  HubError,
  parse,
  parseNow,
  promiseOf,
  type Schema,
  toWireError,
} from "../../contract/mod.ts";
import { checkListener } from "../../contract/options/check_listener.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { CLUSTER_CHANNEL } from "../backplane/channels.ts";
import { readNodeCall } from "../connection/call_options.ts";
import type { Nodes } from "./nodes.ts";
import type { HubErrorInfo } from "../api/options.ts";
import { APP_PREFIX } from "./node_answers.ts";
import type { NodeRequests } from "./node_requests.ts";
import type { MissingNode } from "../api/cluster.ts";
import type { BusContext, BusRequestContext, Gathered } from "../api/bus.ts";

/** A listener, without its types. */
export type BusListener = (
  payload: unknown,
  context: BusContext & Partial<BusRequestContext>,
) => unknown;

/** The options of {@linkcode Bus}. */
export interface BusOptions {
  /** The contract. */
  readonly contract: Contract;
  /** The backplane. */
  readonly backplane: Backplane;
  /** The other nodes. */
  readonly nodes: Nodes;
  /** Sends requests to the nodes. */
  readonly nodeRequests: NodeRequests;
  /** The default timeout of a request, in milliseconds. */
  readonly timeoutMs: number;
  /** The timeout for suspect nodes, in milliseconds. */
  readonly fastTimeoutMs: number;
  /** Called with the errors of listeners. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The bus of a hub. */
export class Bus {
  readonly #options: BusOptions;
  readonly #listeners = new Map<string, Set<BusListener>>();
  /** The bus requests that this node answers. */
  readonly #answered = new Set<string>();

  /** @param options Its options. */
  constructor(options: BusOptions) {
    this.#options = options;
    options.backplane.on("bus", ([, name, payload], from) => {
      const { payload: schema } = entryOf(options.contract, name, "event");
      this.#tell(name, parseNow(schema!, payload, "bus event", name), { from });
    });
  }

  /** See `Hub.emitServer`. */
  emit(name: string, payload: unknown): void {
    emitBusEvent(this.#options, name, payload);
  }

  /** See `Hub.onServer`. */
  on(name: string, listener: BusListener): () => void {
    const entry = this.#options.contract.serverToServer.get(name);
    if (!entry) {
      throw new HubError("NOT_FOUND", `Cannot listen to "${name}": the contract has none of that name`);
    }
    checkListener(listener, `onServer("${name}")`);
    const listeners = this.#listeners.get(name) ?? new Set();
    const { input, output } = entry;
    if (input && output) return this.#answer(name, input, output, listener);
    // A function of its own, because a listener may be added twice.
    const own: BusListener = (value, context) => listener(value, context);
    this.#listeners.set(name, listeners.add(own));
    return () => {
      if (listeners.delete(own) && listeners.size === 0 && this.#listeners.get(name) === listeners) {
        this.#listeners.delete(name);
      }
    };
  }

  /** See `Hub.requestServers`. */
  async request(name: string, input: unknown, options?: CallOptions): Promise<Gathered<unknown>> {
    const { nodes, nodeRequests, timeoutMs, fastTimeoutMs, onError } = this.#options;
    const patience = readNodeCall("requestServers", options);
    const entry = entryOf(this.#options.contract, name, "request");
    const parsed = await parse(entry.input!, input, "input of", name);
    const outcome = await nodeRequests.ask(nodes.others, APP_PREFIX + name, parsed, {
      timeoutMs: patience.timeoutMs ?? timeoutMs,
      fastTimeoutMs,
      signal: patience.signal,
    });
    const answers = new Map<string, unknown>();
    const missing: MissingNode[] = [...nodes.unknown, ...outcome.missing];
    for (const [node, answer] of outcome.answers) {
      try {
        answers.set(node, await parse(entry.output!, answer, "output of", name));
      } catch (error) {
        onError(error, { stage: "delivery", name });
        const { code, message } = toWireError(error);
        missing.push({ node, reason: "invalid", code, message });
      }
    }
    return { answers, missing };
  }

  #answer(name: string, input: Schema, output: Schema, listener: BusListener): () => void {
    if (this.#answered.has(name)) {
      throw new TypeError(`Cannot answer bus request "${name}" twice: remove the first listener before`);
    }
    this.#answered.add(name);
    const off = this.#options.nodeRequests.on(APP_PREFIX + name, async (asked, from, signal) => {
      const given = listener(await parse(input, asked, "input of", name), { from, signal });
      const answer = await (promiseOf(given) ?? given);
      return await parse(output, answer, "output of", name);
    });
    let done = false;
    return () => {
      if (done) return;
      done = true;
      this.#answered.delete(name);
      off();
    };
  }

  #tell(name: string, payload: unknown, context: BusContext): void {
    const { onError } = this.#options;
    const failed = (error: unknown) => onError(error, { stage: "listener", name });
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      callSafely(() => listener(payload, context), failed);
    }
  }
}

/**
 * Sends a bus event to all other nodes; see `Hub.emitServer`.
 *
 * @param parts The contract, and the backplane.
 * @param name The event.
 * @param payload Its payload.
 */
export function emitBusEvent(
  { contract, backplane }: Pick<BusOptions, "contract" | "backplane">,
  name: string,
  payload: unknown,
): void {
  const parsed = parseNow(entryOf(contract, name, "event").payload!, payload, "bus event", name);
  backplane.publish(CLUSTER_CHANNEL, ["bus", name, parsed]);
}

function entryOf(contract: Contract, name: string, kind: "event" | "request"): Entry {
  const entry = contract.serverToServer.get(name);
  if (entry && (entry.payload !== undefined) === (kind === "event")) return entry;
  throw new HubError("NOT_FOUND", `Cannot send bus ${kind} "${name}": the contract has none of that name`);
}
