/** Peer: crossws on Node, a node of a cluster. @module */

import crossws from "crossws/adapters/node";
import { options } from "./crossws_options.mjs";
import { http, listen } from "./node_http.mjs";

const ws = crossws(options);
http.on("upgrade", (request, socket, head) => ws.handleUpgrade(request, socket, head));
listen();
