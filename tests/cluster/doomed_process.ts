/** A node that is killed, in a process of its own. */
import process from "node:process";
import { connect } from "./doomed_adapter.ts";
import { live } from "./doomed_node.ts";

await live(await connect(JSON.parse(process.argv[2]!)), (word) => console.log(JSON.stringify(word)));
