/** A node that is killed, or stands still, in a process of its own. */
import process from "node:process";
import { connect } from "../cluster/doomed_adapter.ts";
import { live } from "./doomed_node.ts";

const { kind, ...place } = JSON.parse(process.argv[2]!);
await live(await connect(place), (word) => console.log(JSON.stringify(word)), kind);
