/** Peer: Socket.IO 4 on Node, WebSocket only. @module */

import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer((request, response) => {
  if (!request.url.startsWith("/stats")) return response.writeHead(404).end();
  if (request.url.endsWith("?gc")) globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  response.setHeader("content-type", "application/json").end(
    JSON.stringify({ rss, heapUsed, cpuMs: (user + system) / 1_000 }),
  );
});
const io = new Server(http, { transports: ["websocket"], serveClient: false });

io.on("connection", (socket) => {
  socket.on("join", (room) => {
    socket.join(room);
    socket.emit("joined");
  });
  socket.on("say", ({ room, text }) => io.to(room).emit("message", { text }));
  socket.on("echo", (input, answer) => answer(input));
});
http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
