/** The cost of what a client receives, from the frame to the listener, without sockets. @module */

import { createClient } from "@trunkline/hub/client";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { asServerMessage, type Codec, type Encoded, jsonCodec } from "@trunkline/hub/contract";
import type { ClientTransport, LinkEvents } from "@trunkline/hub/transports/transport";
import { contract } from "../contract.ts";

const TOPIC = "line/1";
const payload = { text: "#0000000 hello, everyone here" };
const event = ["ev", "message", payload];
const message = ["pub", TOPIC, payload];

/** A client that listens, and the events of its link. */
async function connect(codec: Codec) {
  const frame = (messages: readonly (readonly unknown[])[]) =>
    codec.join(messages.map((one) => codec.encode(one)));
  const welcome = { connection: "c", node: "n", heartbeatMs: 1e9, maxFrameBytes: 65_536 };
  const { promise: link, resolve } = Promise.withResolvers<LinkEvents>();
  const transport: ClientTransport = {
    connect(_url, _subprotocols, events) {
      const answer = ([kind, id]: readonly unknown[]) => {
        if (kind === "hello") events.message(frame([["welcome", welcome]]));
        if (kind === "sub") events.message(frame([["res", id]]));
      };
      events.open({
        subprotocol: codec.subprotocol,
        bufferedAmount: 0,
        send: (sent) => codec.decode(sent).forEach((message) => answer(message as readonly unknown[])),
        close() {},
      });
      resolve(events);
      return () => {};
    },
  };
  const client = createClient(contract, { url: "ws://localhost", role: "member", transport, codec });
  let heard = 0;
  client.on("message", () => void heard++);
  await client.subscribe(TOPIC, () => void heard++).ready;
  const events = await link;
  events.message(frame([event, message]));
  if (heard !== 2) throw new Error(`The client has heard ${heard} of 2 messages`);
  return { receive: (received: Encoded) => events.message(received), frame };
}

for (const [name, codec] of [["json", jsonCodec], ["msgpack", msgpackCodec]] as const) {
  const { receive, frame } = await connect(codec);
  const baseline = name === "json";
  for (const count of [1, 64]) {
    for (const [what, one] of [["event", event], ["message of a topic", message]] as const) {
      const received = frame(Array(count).fill(one));
      Deno.bench(`a frame of ${count} × ${what}: ${name}`, {
        group: `client: ${count} × ${what}`,
        baseline,
      }, () => {
        receive(received);
      });
    }
  }
}

Deno.bench("asServerMessage: an event", { group: "check a message of the server" }, () => {
  asServerMessage(event);
});
