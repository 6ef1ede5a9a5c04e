/** The cost of clients that come and go: all work of the hub, without sockets. @module */

import { AT_ONCE, createArrivals, HELLOS } from "./arrivals.ts";

const { come, go } = await createArrivals();

for (const name of Object.keys(HELLOS) as (keyof typeof HELLOS)[]) {
  Deno.bench(`${AT_ONCE} clients, ${name}`, { group: "connect" }, async () => go(await come(name)));
}
