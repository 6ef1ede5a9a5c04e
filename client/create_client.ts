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
 * Makes a client, which starts to connect at once and stays connected until it is closed, the server refuses it for
 * good (a close code from 4500 to 4999), or `reconnect.maxAttempts` have failed.
 *
 * @param contract What client and server may say to each other.
 * @param options Where the hub is, the role, and how patiently to wait.
 * @throws {TypeError} When the contract has no such role, an option is unknown or not of its type, or the url is not one.
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
 *   url: "ws://127.0.0.1:1/realtime", // nobody there: it keeps trying until it is closed
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
  // The types come from the contract that the client looks every name up in.
  return new HubClient(contract as unknown as Contract, surface, settings) as unknown as Client<D, R>;
}
