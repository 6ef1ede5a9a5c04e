/**
 * Hubs in this process, with any contract, and links of clients that can be lost.
 *
 * @module
 */

import {
  type Contract,
  type ContractDefinition,
  createHub,
  type Hub,
  type HubErrorInfo,
  type HubOptions,
} from "@trunkline/hub";
import type { ClientStatus } from "@trunkline/hub/client";
import { createLoopbackTransport, type LoopbackTransport } from "@trunkline/hub/transports/loopback";
import type { ClientTransport } from "@trunkline/hub/transports/transport";
import { microtaskClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import { network } from "./wires.ts";

/** A report of a hub. */
export interface Report {
  readonly error: unknown;
  readonly info: HubErrorInfo;
}

/** A hub, and what it reported. */
export interface Rig<D extends ContractDefinition> {
  readonly hub: Hub<D, { id: string } | undefined, undefined>;
  readonly loopback: LoopbackTransport;
  readonly errors: Report[];
  /** Refusals that were reported. */
  readonly refusals: Report[];
}

/** Options of a hub. By default it accepts every client, as the user in its token. */
export type RigOptions<D extends ContractDefinition> = Partial<
  HubOptions<D, { id: string } | undefined, undefined>
>;

/** Makes a hub that clients of this process reach. */
export function createRig<D extends ContractDefinition>(
  contract: Contract<D>,
  options: RigOptions<D> = {},
): Rig<D> {
  const loopback = createLoopbackTransport();
  const [errors, refusals]: Report[][] = [[], []];
  const all: HubOptions<D, { id: string } | undefined, undefined> = {
    authenticate: ({ role, token }) => ({ role, user: token ? { id: token } : undefined }) as never,
    transports: [loopback],
    clock: microtaskClock,
    history: options.adapter?.history ?? "per-node",
    onError: (error, info) => void (info.stage === "refused" ? refusals! : errors!).push({ error, info }),
    ...options,
  };
  return { hub: createHub(contract, all), loopback, errors: errors!, refusals: refusals! };
}

/** Clients come back at once. */
export const AT_ONCE = { reconnect: { baseMs: 1, maxMs: 5 } } as const;

/** The parts of a client that tests use. */
interface HasStatus {
  readonly status: ClientStatus;
}

/** The links of a client to some nodes. */
export interface Links {
  readonly url: readonly string[];
  readonly transport: ClientTransport;
  /** Breaks the links. No new one opens until `back`. */
  drop(client: HasStatus): Promise<void>;
  /** Lets links open again, on these nodes, or on all; resolves when the client is open. */
  back(
    client: HasStatus,
    ...at: readonly { readonly loopback: LoopbackTransport }[]
  ): Promise<void>;
}

/** Makes the links of one client. */
export function linksTo(nodes: readonly { readonly loopback: LoopbackTransport }[]): Links {
  const lines = nodes.map(({ loopback }) => loopback.client());
  const url = nodes.map((_, i) => `ws://node${i}/`);
  return {
    url,
    transport: network(Object.fromEntries(url.map((url, i) => [url, lines[i]!]))),
    async drop(client) {
      for (const line of lines) line.refuse(true);
      for (const line of lines) line.sever();
      await waitFor(() => client.status === "reconnecting", { what: "the client to notice" });
    },
    async back(client, ...at) {
      for (const [i, line] of lines.entries()) {
        if (at.length === 0 || at.includes(nodes[i]!)) line.refuse(false);
      }
      await waitFor(() => client.status === "open", { what: "the client to be back" });
    },
  };
}
