/**
 * The hub of a node. Another adapter makes another kind of cluster; nothing else changes.
 *
 * @module
 */

import { createHub, type Hub, HubError, type HubOptions, type HubUser } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { contract, type Definition, Name } from "../contract.ts";

/** The demo's hub. */
export type DemoHub = Hub<Definition, HubUser>;

/** The callbacks of a node. */
export type Told = Pick<HubOptions<Definition, HubUser, unknown>, "onConnection" | "onError">;

/** Creates the hub of a node; `adapter` connects it to the other nodes. */
export const createDemoHub = (adapter: Adapter, origins: readonly string[], told: Told): DemoHub =>
  createHub(contract, {
    adapter,
    history: adapter.history ?? "per-node", // without a shared store, each node keeps the messages that it gets
    origins,
    authenticate({ role, token }) {
      const name = Name.safeParse(token);
      if (!name.success) {
        throw new HubError("UNAUTHENTICATED", "Give a name of 1 to 24 visible characters");
      }
      return { role, user: { id: name.data } }; // a name is a user: all windows with the same name are one user
    },
    ...told,
    // A user that reloads the page, or moves to another node, neither leaves nor joins.
    presence: { leaveAfterMs: 3_000 },
    // Short, so that you soon see the end of a killed node.
    cluster: { heartbeatMs: 500, nodeTimeoutMs: 2_000, requestTimeoutMs: 800 },
    startWithoutBackplane: true,
  });
