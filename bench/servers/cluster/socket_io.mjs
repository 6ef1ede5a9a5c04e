/** Peer: Socket.IO 4 on Node, a node of a cluster, only WebSocket; with each of its adapters for Redis. @module */

import { Server } from "socket.io";
import { http, listen } from "./node_http.mjs";
import { count, order } from "./order.mjs";
import { adapters, subscriber } from "./socket_io_adapters.mjs";

const io = new Server(http, {
  transports: ["websocket"],
  serveClient: false,
  adapter: adapters[order.adapter](),
});

if (order.count && order.adapter === "redis-adapter") {
  // The room is the last part of the channel: PREFIX#NAMESPACE#ROOM#.
  subscriber.on("pmessageBuffer", (_pattern, channel) => count(channel.toString().split("#").at(-2)));
} else if (order.count) {
  const { adapter } = io.of("/");
  const onMessage = adapter.onMessage.bind(adapter);
  adapter.onMessage = (message, offset) => {
    const [room] = message.data?.opts?.rooms ?? [];
    if (room !== undefined) count(room);
    return onMessage(message, offset);
  };
}

io.on("connection", (socket) => {
  socket.on("join", (rooms) => {
    socket.join(rooms);
    socket.emit("joined");
  });
  socket.on("say", ({ room, text }) => io.to(room).emit("message", { text }));
});
listen();
