import * as library from "@cloudamqp/amqp-client";
import * as view from "@cloudamqp/amqp-client/amqp-view";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type ConnectionOptions, connector } from "../../../adapters/rabbitmq/connection.ts";
import { systemClock } from "../../../contract/clock.ts";
import { test, waitFor } from "../../harness.ts";

const connect = connector(library, view);

/** A method frame of the connection's own channel. */
function method(id: number, ...content: number[]): Uint8Array {
  return new Uint8Array([1, 0, 0, 0, 0, 0, 4 + content.length, 0, 10, 0, id, ...content, 206]);
}

const START = method(10);
/** Any number of channels, frames without a limit, a heartbeat every second. */
const TUNE = method(30, 0, 0, 0, 0, 0, 0, 0, 1);
const OPEN_OK = method(41, 0);
const HEARTBEAT = "8,0,0,0,0,0,0,206";

/** A server that says what a test has it say. */
async function startServer(
  ...words: Uint8Array[]
): Promise<
  AsyncDisposable & {
    readonly heard: Uint8Array[];
    readonly sockets: Socket[];
    options(): ConnectionOptions;
    readonly lost: unknown[];
  }
> {
  const [heard, sockets, lost]: [Uint8Array[], Socket[], unknown[]] = [[], [], []];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      heard.push(data as Uint8Array);
      const next = words.shift();
      if (next) socket.write(next);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    heard,
    sockets,
    lost,
    options: () => ({
      address: { hostname: "127.0.0.1", port },
      vhost: "/",
      username: "u",
      password: "p",
      tls: undefined,
      name: "test",
      clock: systemClock,
      onLost: (cause) => void lost.push(cause),
    }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const never = new AbortController().signal;

test("rabbitmq: a connection sends its own heartbeats, because a server that sends messages sends none to answer", async () => {
  await using server = await startServer(START, TUNE, OPEN_OK);
  const connection = await connect(server.options(), never);
  const beats = () => server.heard.filter((data) => data.join() === HEARTBEAT).length;
  const talking = setInterval(() => server.sockets[0]!.write(new Uint8Array([1, 0, 9, 0, 0, 0, 0, 206])), 20);
  await waitFor(() => beats() >= 2, { what: "two heartbeats" });
  clearInterval(talking);
  server.sockets[0]!.destroy();
  await waitFor(() => server.lost.length > 0, { what: "the loss" });
  await connection.destroy();
  assertEquals(server.lost.length, 1);
});

test("rabbitmq: a server without a frame limit gets one, and a server with a very small limit is refused", async () => {
  await using server = await startServer(START, TUNE, OPEN_OK);
  const connection = await connect(server.options(), never);
  const agreed = server.heard.map((data) => data.join()).find((data) =>
    data.startsWith("1,0,0,0,0,0,12,0,10,0,31,")
  );
  assert(agreed?.startsWith("1,0,0,0,0,0,12,0,10,0,31,0,0,0,0,32,0,"), agreed); // 8 KiB
  await connection.destroy();
  const tiny = method(30, 0, 0, 0, 0, 0, 8, 0, 1);
  await using other = await startServer(START, tiny, OPEN_OK);
  await assertRejects(() => connect(other.options(), never), Error, "does not speak AMQP 0-9-1");
});

test("rabbitmq: frames that make no sense end the connection, and nothing else", async () => {
  const nonsense = [
    new Uint8Array([1, 0, 0, 255, 255, 255, 255, 0]),
    new Uint8Array([1, 0, 0, 0, 0, 0, 1, 7, 0]), // the end is not where it should be
    new Uint8Array([1, 0, 0, 0, 0, 0, 1, 7, 206]), // half a method
    method(50, 1, 64, 255), // a text that is longer than the frame
    method(30), // a second tuning, of nothing
  ];
  for (const bytes of nonsense) {
    await using server = await startServer(START, TUNE, OPEN_OK);
    const connection = await connect(server.options(), never);
    server.sockets[0]!.write(bytes);
    await waitFor(() => server.lost.length === 1, { what: `the end by ${bytes}` });
    await connection.destroy();
  }
});

test("rabbitmq: frames that arrive byte by byte are read", async () => {
  await using server = await startServer();
  const connecting = connect(server.options(), never);
  await waitFor(() => server.heard.length === 1, { what: "the greeting" });
  for (const word of [START, TUNE, OPEN_OK]) {
    for (const byte of word) {
      server.sockets[0]!.write(new Uint8Array([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const connection = await connecting;
  await connection.destroy();
  assertEquals(server.lost, []);
});

test("rabbitmq: a server that hangs up, says goodbye or speaks another version during the login rejects with its own text", async () => {
  const text = new TextEncoder().encode("VHOST DOWN");
  for (
    const [words, message] of [
      [[method(50, 2, 29, text.length, ...text, 0, 0, 0, 0)], "VHOST DOWN (541)"],
      [[START, method(50, 1, 64, text.length, ...text, 0, 0, 0, 0)], "VHOST DOWN (320)"],
      [[new TextEncoder().encode("AMQP\x00\x01\x00\x00")], "does not speak AMQP 0-9-1"],
      [[new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")], "does not speak AMQP 0-9-1"],
      [[new Uint8Array([21, 3, 3, 0, 2, 2, 40])], "does not speak AMQP 0-9-1"], // a TLS alert
    ] satisfies [Uint8Array[], string][]
  ) {
    await using server = await startServer(...words);
    await assertRejects(() => connect(server.options(), never), Error, message);
  }
  await using server = await startServer();
  const connecting = connect(server.options(), never);
  await waitFor(() => server.heard.length === 1, { what: "the greeting" });
  server.sockets[0]!.destroy();
  await assertRejects(() => connecting, Error);
  assertEquals(server.lost.length <= 1, true);
});

test("rabbitmq: a connection that is given up while it is made ends at once, wherever it leads", async () => {
  await using server = await startServer();
  const given = new AbortController();
  const connecting = connect(server.options(), given.signal);
  await waitFor(() => server.heard.length === 1, { what: "the greeting" });
  given.abort(new Error("given up"));
  await assertRejects(() => connecting, Error, "given up");
  // There is no server, and no answer.
  const nowhere = { ...server.options(), address: { hostname: "10.255.255.1", port: 5672 } };
  const late = new AbortController();
  const waiting = connect(nowhere, late.signal);
  late.abort(new Error("given up"));
  const error = await assertRejects(() => waiting, Error);
  assert(/given up|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED/.test(error.message), error.message);
});
