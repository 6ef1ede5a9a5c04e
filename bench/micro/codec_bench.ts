/** The costs of encoding, joining, decoding and checking. @module */

import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { asClientMessage, type Codec, jsonCodec } from "@trunkline/hub/contract";

const codecs: readonly (readonly [name: string, codec: Codec])[] = [["json", jsonCodec], [
  "msgpack",
  msgpackCodec,
]];
const message = ["ev", "message", { text: "#0000000 hello, everyone here" }];

for (const [name, codec] of codecs) {
  const baseline = name === "json";
  Deno.bench(`encode: ${name}`, { group: "encode a message", baseline }, () => {
    codec.encode(message);
  });
  for (const count of [1, 8, 64]) {
    const encoded = Array.from({ length: count }, () => codec.encode(message));
    const frame = codec.join(encoded);
    Deno.bench(`join ${count}: ${name}`, { group: `join ${count}`, baseline }, () => {
      codec.join(encoded);
    });
    Deno.bench(`decode ${count}: ${name}`, { group: `decode ${count}`, baseline }, () => {
      codec.decode(frame);
    });
  }
}

const signal = ["sig", "say", { room: "bench", text: "#0000000 hello, everyone here" }];
const request = ["req", 1, "echo", { text: "#0000000 hello, everyone here" }];
Deno.bench("asClientMessage: a signal", { group: "check a message" }, () => {
  asClientMessage(signal);
});
Deno.bench("asClientMessage: a request", { group: "check a message" }, () => {
  asClientMessage(request);
});
