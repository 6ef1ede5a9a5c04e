import { assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import { type ContractDefinition, defineContract } from "../../contract/mod.ts";
import { test } from "../harness.ts";

const payload = z.string();
const request = { input: payload, output: payload };
const member = {};

/** Contracts with half a surrogate pair in a name. */
const UNSENDABLE: readonly (readonly [what: string, definition: ContractDefinition])[] = [
  ["server-to-client message", { roles: { member: { serverToClient: { "a\ud800": { payload } } } } }],
  ["client-to-server message", { roles: { member: { clientToServer: { "\udc00": request } } } }],
  ["server-to-server message", { roles: { member }, serverToServer: { "\ud83d": request } }],
  ["role", { roles: { "\ud800": {} } }],
  ["topic", { roles: { member: { topics: { "a/\ud800/:id": { payload } } } } }],
  ["presence", { roles: { member }, presence: { "\ud800/:id": payload } }],
  ["room", { roles: { member }, rooms: { "\ud800/:id": { history: { size: 1 } } } }],
];

for (const [what, definition] of UNSENDABLE) {
  test(`a contract with a name that cannot be sent is refused: ${what}`, () => {
    const error = assertThrows(
      () => defineContract(definition as never),
      TypeError,
      `Cannot declare ${what} "`,
    );
    assertStringIncludes(error.message, "a name with half a surrogate pair cannot be sent");
  });
}
