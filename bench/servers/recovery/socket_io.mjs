/**
 * Peer: Socket.IO 4 on Node, a single node or a node of a cluster, only WebSocket; with and without connection state recovery.
 *
 * @module
 */

import { Server } from "socket.io";
import { http, listen, routes } from "../cluster/node_http.mjs";
import { order } from "../cluster/order.mjs";
import { lookUp, publishStories } from "./stories.mjs";

const adapter = order.adapter === "in-memory"
  ? undefined
  : (await import("../cluster/socket_io_adapters.mjs")).adapters[order.adapter]();
const io = new Server(http, {
  transports: ["websocket"],
  serveClient: false,
  ...(adapter && { adapter }),
  ...(order.recovery && { connectionStateRecovery: {} }),
});

io.use(async ({ handshake }, next) => {
  await lookUp();
  next(handshake.auth.token ? undefined : new Error("UNAUTHENTICATED"));
});
io.on("connection", (socket) => {
  socket.join(`story/${socket.handshake.auth.story}`);
  socket.on("echo", (input, answer) => answer(input));
});
routes["/publish"] = (query) =>
  publishStories(query, (story, text) => io.to(`story/${story}`).emit("message", { text }));
listen();
