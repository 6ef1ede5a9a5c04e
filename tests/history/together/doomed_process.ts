/** A node that is killed while it publishes, in a process of its own: each line it prints is a {@linkcode Word}. */
import type { Published } from "@trunkline/hub";
import process from "node:process";
import { PLACES, run, startMarket } from "./market.ts";
import { connect } from "./stores.ts";

/** The messages of the node: its address, and the stored messages. */
export type Word =
  | { readonly port: number }
  | { readonly where: (typeof PLACES)[number]; readonly kept: number; readonly at: Published };

const say = (word: Word) => console.log(JSON.stringify(word));
const { hub, port } = await startMarket((await connect(JSON.parse(process.argv[2]!)))());
say({ port });
for (const where of PLACES) run(hub, where, "doomed", (kept, at) => say({ where, kept, at }));
