/**
 * The hub of a node. With another adapter it is another cluster; nothing else changes.
 *
 * @module
 */

import { createHub, type Hub, HubError, type HubOptions, type HubUser } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { contract, type Definition, Name } from "../contract.ts";

/** The demo's hub. */
export type DemoHub = Hub<Definition>;

/** What a node wants to be told. */
export type Told = Pick<HubOptions<Definition, HubUser, unknown>, "onConnection" | "onError">;

/** Creates the hub of a node; `adapter` is how it reaches the other ones. */
export const createDemoHub = (adapter: Adapter, origins: readonly string[], told: Told): DemoHub =>
  createHub(contract, {
    adapter,
    history: adapter.history ?? "per-node", // without a store that all share, each node keeps what it hears
    origins,
    authenticate({ role, token }) {
      const name = Name.safeParse(token);
      if (!name.success) {
        throw new HubError("UNAUTHENTICATED", "Say who you are: a name of 1 to 24 characters");
      }
      return { role, user: { id: name.data } }; // a name is a user: all windows that say the same one
    },
    ...told,
    // Whoever reloads the page, or is sent to another node, neither leaves nor joins.
    presence: { leaveAfterMs: 1_000 },
    // Short, so that the end of a killed node is seen soon.
    cluster: { heartbeatMs: 500, nodeTimeoutMs: 2_000, requestTimeoutMs: 800 },
    startWithoutBackplane: true,
  });
