/**
 * Presence for clients: who is in a room or topic, in the whole cluster, kept up to date. It is a separate entry
 * point, so that clients without presence do not load it.
 *
 * @module
 */

import {
  type ContractDefinition,
  type NameOf,
  type NameOfPlace,
  type PresenceNames,
  type PresenceOf,
  type PresencePlace,
  type PresenceState,
  type RoleOf,
  type Suggestion,
  throwIfAborted,
} from "../../contract/mod.ts";
import { abortSignal, oneOf } from "../../contract/options/option_kinds.ts";
import { isBag, optional, or, readOptions, type Rows, wrong } from "../../contract/options/read_options.ts";
import type { Client } from "../api/mod.ts";
import type { HubClient } from "../client.ts";
import type { ClientStateInput, PlaceOf, PresenceOptions, PresenceView } from "./api.ts";
import { Watches } from "./watches.ts";

export type { PresenceBy, PresenceChange, PresenceMember, PresencePage } from "../../contract/mod.ts";
export type * from "./api.ts";

const PRESENCE = {
  by: or(oneOf("user", "connection"), "user"),
  signal: optional(abortSignal),
} satisfies Rows<PresenceOptions>;

/**
 * Shows who is in a room or topic. The client has to be in the place itself, or the hub's option `presence.authorize`
 * has to allow it. Rooms end with the connection: join them in `client.onOpen`, whose requests go first. Then the
 * view comes back by itself after a reconnect.
 *
 * @param client The client, as `createClient` makes it.
 * @param place The name of a room, or `{ topic: name }` for a topic.
 * @param options What counts as one member, and a signal that closes the view.
 * @throws {HubError} `NOT_FOUND` when the contract keeps no presence for this name.
 * @throws {TypeError} When the client is not a client, the place has no name, or an option is unknown or has the
 * wrong type. If `signal` is already aborted, throws its reason.
 *
 * @example
 * ```ts
 * import { createClient, createHub, defineContract } from "@trunkline/hub";
 * import { presence } from "@trunkline/hub/client/presence";
 * import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const chat = defineContract({
 *   roles: { member: { clientToServer: { join: { input: z.string(), output: z.void() } } } },
 *   presence: { "room/:id": { state: z.object({ typing: z.boolean() }), clientsSet: true } },
 * });
 * const loopback = createLoopbackTransport();
 * await using hub = createHub(chat, {
 *   authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
 *   transports: [loopback],
 * });
 * hub.implement({ member: { join: (room, { conn }) => hub.room(room).add(conn) } });
 * await hub.ready;
 *
 * await using client = createClient(chat, {
 *   url: "ws://loopback",
 *   role: "member",
 *   token: "ann",
 *   transport: loopback.client(),
 * });
 * client.onOpen(() => client.request("join", "room/1")); // on every connection
 * await using room = presence(client, "room/1");
 * room.on("join", ({ id, state }) => console.log(id, "came", state?.typing));
 * await room.ready;
 * await room.set({ typing: true });
 * assertEquals(room.list().map(({ id }) => id), ["ann"]);
 * ```
 */
export function presence<
  D extends ContractDefinition,
  R extends RoleOf<D>,
  const P extends PlaceOf<D>,
  G extends string = NameOfPlace<P>,
>(
  client: Client<D, R>,
  place: P | Suggestion<G, PresenceNames<D>, NameOf<PresenceOf<D>>>,
  options?: PresenceOptions,
): PresenceView<PresenceState<D, NameOfPlace<P>>, ClientStateInput<D, NameOfPlace<P>>> {
  const owner = "presence";
  const hubClient = client as unknown as HubClient | null | undefined;
  if (!hubClient?.extend) {
    throw wrong(client, { owner, path: "the client" }, "a client, as createClient() makes");
  }
  const given: unknown = place;
  const name: unknown = isBag(given) ? given.topic : given;
  if (typeof name !== "string") {
    throw wrong(given, { owner, path: "the place" }, "the name of a room, or { topic: name }");
  }
  const { by, signal } = readOptions(owner, options, PRESENCE);
  throwIfAborted(signal);
  const watches = hubClient.extend((parts) => new Watches(parts));
  // The client looks up every name in the same contract that the types come from.
  return watches.view(given as PresencePlace, by, signal) as unknown as ReturnType<typeof presence<D, R, P>>;
}
