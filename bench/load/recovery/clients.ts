/**
 * The clients that users have: each library's own, with its default settings.
 *
 * @module
 */

import { createClient } from "@trunkline/hub/client";
import { io } from "socket.io-client";
import { contract } from "../../servers/recovery/contract.ts";

/** The events of a client. */
export interface Hearer {
  /** A message has arrived. */
  hear(number: number): void;
  /**
   * The client is live: messages that are published from now on arrive. Called the first time, and after each loss of the link.
   *
   * @param recovered Whether the client was told that no message is missing; `undefined` the first time, and if it is told nothing.
   */
  live(recovered: boolean | undefined): void;
  /** The link is lost. */
  lose(): void;
}

/** A client. */
export interface RecoveringClient {
  /** Sends a request to the server, and waits for the answer. */
  ping(): Promise<unknown>;
  close(): void;
}

/** The addresses of a client, and its story. */
export interface Seat {
  /** The ports of 127.0.0.1. The client begins with the first one. */
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
      if (stage !== "connect") console.error(stage, error); // connections fail during an outage: the benchmark wants this
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
    transports: ["websocket"], // the server has no other transport, so the client need not try polling
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
  // The library knows one address. Its users have a balancer in front of the live nodes.
  socket.io.on("reconnect_attempt", () => {
    (socket.io as unknown as { uri: string }).uri = url();
  });
  return { ping: () => socket.emitWithAck("echo", { text: "ping" }), close: () => void socket.close() };
};

/** The pause of a plain WebSocket before it connects again, in milliseconds. */
const AGAIN_MS = 1_000;

/** A client without a library, as many people write it. */
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
    ping: () => Promise.reject(new Error("A plain WebSocket cannot send requests")),
    close() {
      isClosed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
};

/** The clients, by the names of their dialects. */
export const connects: Readonly<Record<string, Connect>> = { trunkline, "socket.io": socketIo, plain };
