/**
 * Clients as users have them: each library's own, with its default settings.
 *
 * @module
 */

import { createClient } from "@trunkline/hub/client";
import { io } from "socket.io-client";
import { contract } from "../../servers/recovery/contract.ts";

/** What a client hears and is told. */
export interface Hearer {
  /** A message has come. */
  hear(number: number): void;
  /**
   * What is published from now on arrives; the first time, and after each loss of the link.
   *
   * @param recovered Whether nothing is missing, where the client is told; it is told nothing the first time.
   */
  live(recovered: boolean | undefined): void;
  /** The link is lost. */
  lose(): void;
}

/** A client. */
export interface RecoveringClient {
  /** Asks the server for an answer. */
  ping(): Promise<unknown>;
  close(): void;
}

/** Where a client connects to, and what it listens to. */
export interface Seat {
  /** The ports of 127.0.0.1, the first one at first. */
  readonly ports: readonly number[];
  /** The number of the story. */
  readonly story: number;
}

/** Makes a client. */
export type Connect = (seat: Seat, hearer: Hearer) => RecoveringClient;

const trunkline: Connect = ({ ports, story }, { hear, live, lose }) => {
  const client = createClient(contract, {
    url: ports.map((port) => `ws://127.0.0.1:${port}/realtime`),
    role: "member",
    token: `token of ${story}`,
    onError(error, { stage }) {
      if (stage !== "connect") console.error(stage, error); // that it cannot connect meanwhile is the point
    },
  });
  client.onStatus((status) => {
    if (status === "reconnecting") lose();
  });
  const subscription = client.subscribe(`story/${story}`, ({ text }) => hear(Number(text)), {
    onRecovery: ({ recovered }) => live(recovered),
  });
  subscription.ready.then(() => live(undefined), () => {});
  return {
    ping: () => client.request("echo", { text: "ping" }),
    close: () => void client.close(),
  };
};

const socketIo: Connect = ({ ports, story }, { hear, live, lose }) => {
  let attempt = 0;
  const url = () => `http://127.0.0.1:${ports[attempt++ % ports.length]}`;
  const socket = io(url(), {
    transports: ["websocket"], // the server has no other, which spares it the way over polling
    forceNew: true,
    auth: { story, token: `token of ${story}` },
  });
  let isFirst = true;
  socket.on("connect", () => {
    live(isFirst ? undefined : socket.recovered === true);
    isFirst = false;
  });
  socket.on("disconnect", lose);
  socket.on("message", ({ text }) => hear(Number(text)));
  // The library knows one address; its users have a balancer, which leads to the nodes that live.
  socket.io.on("reconnect_attempt", () => {
    (socket.io as unknown as { uri: string }).uri = url();
  });
  return { ping: () => socket.emitWithAck("echo", { text: "ping" }), close: () => void socket.close() };
};

/** How long a plain WebSocket waits before it connects again, in milliseconds. */
const AGAIN_MS = 1_000;

/** What people write who have no library. */
const plain: Connect = ({ ports: [port] }, { hear, live, lose }) => {
  let socket: WebSocket;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOpen = false;
  let isClosed = false;
  const open = () => {
    socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    socket.onmessage = ({ data }) => {
      if (data !== "ready") return hear(Number(JSON.parse(data).text));
      isOpen = true;
      live(undefined);
    };
    socket.onclose = () => {
      if (isOpen) lose();
      isOpen = false;
      if (!isClosed) timer = setTimeout(open, AGAIN_MS);
    };
  };
  open();
  return {
    ping: () => Promise.reject(new Error("It cannot ask")),
    close() {
      isClosed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
};

/** They by the name of their way of speaking. */
export const connects: Readonly<Record<string, Connect>> = { trunkline, "socket.io": socketIo, plain };
