/** The cost of a message between nodes: writing it, and reading what came together on a channel. @module */

import { type BusMessage, decodeBus, encodeBus } from "../../hub/backplane/bus_wire.ts";

const payload = { text: "#0000000 hello, everyone here" };
const messages: Readonly<Record<string, BusMessage>> = {
  "an event": ["ev", "message", null, payload],
  "a message of a topic": ["pub", payload],
  "a numbered message of a topic": ["own", "run", 1_000, payload],
};

for (const [what, message] of Object.entries(messages)) {
  const baseline = what === "an event";
  Deno.bench(`write ${what}`, { group: "write a message between nodes", baseline }, () => {
    encodeBus(message);
  });
  const text = encodeBus(message);
  for (const count of [1, 64]) {
    const data = `[${Array(count).fill(text).join()}]`;
    Deno.bench(`read ${count}: ${what}`, { group: `read ${count} between nodes`, baseline }, () => {
      decodeBus(data);
    });
  }
}
