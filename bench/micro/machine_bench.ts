/** The measure for all others: what this machine needs to read and write JSON without Trunkline. @module */

import { MACHINE } from "./guard.ts";

const lines = Array.from(
  { length: 64 },
  (_, i) => ["sig", "say", { room: "bench", text: `#${i} hello, everyone here` }],
);

Deno.bench(MACHINE, () => {
  JSON.stringify(JSON.parse(JSON.stringify(lines)));
});
