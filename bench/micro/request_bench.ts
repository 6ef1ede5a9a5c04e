/** The cost of a request, and of a line to a room: all work of the hub, without sockets. @module */

import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { type Codec, jsonCodec } from "@trunkline/hub/contract";
import type { LinkEvents } from "@trunkline/hub/transports/transport";
import { createMeasuredHub } from "../hub.ts";
import { NoTransport } from "../no_transport.ts";
import { TurnClock } from "./turn_clock.ts";

const transport = new NoTransport();
const clock = new TurnClock();
const hub = createMeasuredHub({ transports: [transport], clock });
await hub.ready;

/** 32 clients with one codec, in a room of their own. */
async function enter(codec: Codec, room: string) {
  const frame = (message: readonly unknown[]) => codec.join([codec.encode(message)]);
  const clients: LinkEvents[] = [];
  for (let i = 0; i < 32; i++) clients.push(await transport.connect(undefined, codec));
  for (const client of clients) client.message(frame(["req", 1, "join", { room }]));
  await hub.cluster.count({ room });
  clock.endTurn();
  return { clients, frame };
}

const text = "hello, everyone here";

for (const codec of [jsonCodec, msgpackCodec]) {
  const name = codec === jsonCodec ? "JSON" : "MessagePack";
  const baseline = codec === jsonCodec;
  const { clients, frame } = await enter(codec, name);
  const question = frame(["req", 2, "echo", { text }]);
  Deno.bench(`a request, from frame to frame: ${name}`, { group: "request", baseline }, () => {
    clients[0]!.message(question);
  });
  const said = frame(["sig", "say", { room: name, text }]);
  Deno.bench(
    `32 clients say a line to a room of 32 in one turn: ${name}`,
    { group: "room", baseline },
    () => {
      for (const client of clients) client.message(said);
      clock.endTurn();
    },
  );
}

const question = `[["req",2,"echo",{"text":"${text}"}]]`;
Deno.bench("JSON of a request, read and written", { group: "request" }, () => {
  JSON.parse(question);
  JSON.stringify(["res", 2, { text }]);
});
