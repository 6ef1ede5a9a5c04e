/**
 * Peer: Socket.IO 4 on Node, a node of a cluster with its redis-adapter. Its members have no sockets. They are in its rooms, with
 * the data that Socket.IO keeps for the socket of a browser.
 *
 * @module
 */

import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { randomBytes } from "node:crypto";
import { Server } from "socket.io";
import { http, listen, routes } from "../cluster/node_http.mjs";
import { order } from "../cluster/order.mjs";

/** Longer than its default of 5 s. */
const PATIENCE_MS = 30_000;

const client = new Redis(order.url);
const io = new Server(http, {
  transports: ["websocket"],
  serveClient: false,
  adapter: createAdapter(client, client.duplicate(), { key: order.prefix, requestsTimeout: PATIENCE_MS }),
});
const { adapter, sockets } = io.of("/");

/** The least data of a socket: no cookies, no language, no browser. */
const handshake = () => ({
  headers: { host: "localhost", upgrade: "websocket", connection: "Upgrade" },
  time: new Date().toString(),
  address: "127.0.0.1",
  xdomain: false,
  secure: false,
  issued: Date.now(),
  url: "/socket.io/?EIO=4&transport=websocket",
  query: { EIO: "4", transport: "websocket" },
  auth: {},
});

routes["/enter"] = ({ room, from, count }) => {
  for (let number = Number(from); number < Number(from) + Number(count); number++) {
    const id = randomBytes(15).toString("base64url");
    const rooms = new Set([id, room]);
    const data = { user: `#${String(number).padStart(7, "0")}` };
    sockets.set(id, { id, handshake: handshake(), rooms, data });
    adapter.addAll(id, rooms);
  }
  return {};
};

/** Lists the members of a room on all nodes. Returns the time in microseconds, and the number of members. */
routes["/list"] = async ({ room }) => {
  const start = performance.now();
  const { length } = await io.in(room).fetchSockets();
  return { count: length, us: (performance.now() - start) * 1_000 };
};
listen();
