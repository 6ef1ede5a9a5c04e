/**
 * The hub that is measured: typed, with validation, without a rate limit.
 *
 * @module
 */

import { createHub, type Hub, type HubOptions, type HubUser, jsonCodec } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { contract } from "./contract.ts";

type Definition = (typeof contract)["definition"];
type Measured = Hub<Definition, HubUser | undefined, undefined>;

/**
 * Makes the hub.
 *
 * @param options Other options of the hub.
 */
export function createMeasuredHub(
  options: Pick<
    HubOptions<Definition, HubUser | undefined, undefined>,
    "adapter" | "transports" | "onError" | "clock"
  > = {},
): Measured {
  const hub: Measured = createHub(contract, {
    authenticate: ({ role }) => ({ role }),
    codecs: [jsonCodec, msgpackCodec],
    limits: { messagesPerSecond: 1e9, messageBurst: 1e9 },
    ...options,
  });
  hub.implement({
    member: {
      join: ({ room }, { conn }) => hub.room(room).add(conn),
      say: ({ room, text }) => hub.room(room).broadcast("message", { text }),
      tell: ({ room, text }) => hub.room(room).broadcast("message", { text }),
      publish: ({ id, text }) => void hub.forRole("member").publish(`line/${id}`, { text }),
      echo: (input) => input,
    },
  });
  return hub;
}
