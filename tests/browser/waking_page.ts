/**
 * A page with a client, to be put to sleep. Its title is the client's status, and how often it has been open.
 *
 * @module
 */

import { createClient } from "../../client/mod.ts";
import { contract } from "../client/engine_contract.ts";

const page = globalThis as unknown as { location: { hash: string }; document: { title: string } };

const client = createClient(contract, {
  url: page.location.hash.slice(1),
  role: "member",
  // Whoever waits for the next attempt waits for minutes.
  reconnect: { baseMs: 600_000, maxMs: 600_000 },
  random: () => 0.999,
  onError() {},
});
let opened = 0;
client.onStatus((status) => {
  if (status === "open") opened++;
  page.document.title = `${status} ${opened}`;
});
