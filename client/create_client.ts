/**
 * `createClient`: a client of a hub.
 *
 * @module
 */

import type { Contract, ContractDefinition, RoleOf } from "../contract/mod.ts";
import { checkContract, wrong } from "../contract/options/read_options.ts";
import { suggest } from "../contract/options/suggest.ts";
import { HubClient } from "./client.ts";
import { type ClientOptions, resolveOptions } from "./options.ts";
import type { Client } from "./api/mod.ts";

/**
 * Makes a client. It starts to connect at once. It stays connected until you close it, until the server refuses it
 * for good (a close code from 4500 to 4999), or until `reconnect.maxAttempts` attempts have failed.
 *
 * @param contract The contract that client and server share.
 * @param options The address of the hub, the role, and all settings.
 * @throws {TypeError} When the contract has no such role, when an option is unknown or has the wrong type, or when
 * the url is not a URL.
 * @throws {RangeError} When a number is out of its range.
 *
 * @example
 * ```ts
 * import { createClient } from "@trunkline/hub/client";
 * import { defineContract } from "@trunkline/hub/contract";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const chat = defineContract({
 *   roles: { member: { serverToClient: { message: { payload: z.object({ text: z.string() }) } } } },
 * });
 *
 * await using client = createClient(chat, {
 *   url: "ws://127.0.0.1:1/realtime", // no server here: the client retries until it is closed
 *   role: "member",
 *   token: () => "secret",
 * });
 * client.on("message", ({ text }) => console.log(text));
 * assertEquals(client.status, "connecting");
 * ```
 */
export function createClient<D extends ContractDefinition, const R extends RoleOf<D>>(
  contract: Contract<D>,
  options: ClientOptions<R>,
): Client<D, R> {
  checkContract("createClient", contract);
  const settings = resolveOptions(options);
  const { role } = settings;
  const surface = contract.roles.get(role);
  if (!surface) {
    const give = `a role of the contract, ${suggest(`${role}`, contract.roles.keys())}`;
    throw wrong(role, { owner: "createClient", path: "role" }, give);
  }
  // The client looks up every name in the same contract that the types come from.
  return new HubClient(contract as unknown as Contract, surface, settings) as unknown as Client<D, R>;
}
