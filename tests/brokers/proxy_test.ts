import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { startProxy } from "../../tools/brokers/proxy.ts";
import { test, waitFor } from "../harness.ts";

/** A server that sends back what it gets. */
async function startEcho() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => socket.write(data));
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    sockets,
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A client that keeps what it hears. */
function startClient(port: number) {
  const socket = connect(port, "127.0.0.1");
  const client = {
    heard: "",
    closed: false,
    say: (text: string) => void socket.write(text),
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await waitFor(() => client.closed);
    },
  };
  socket.on("error", () => {});
  socket.on("data", (data) => client.heard += data);
  socket.on("close", () => client.closed = true);
  return client;
}

test("a proxy passes everything both ways, and the end of it", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  {
    await using client = startClient(proxy.port);
    const text = "0123456789".repeat(200_000);
    client.say(text);
    await waitFor(() => client.heard.length === text.length, { what: "all of it" });
    assertEquals(client.heard === text, true);
    assertEquals(proxy.connections, 1);
  }
  await waitFor(() => proxy.connections === 0 && echo.sockets.size === 0, { what: "the connection to end" });
});

test("a black hole closes nothing and passes nothing, for old and new connections, until it heals", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await using old = startClient(proxy.port);
  old.say("a");
  await waitFor(() => old.heard === "a");
  proxy.blackhole();
  old.say("b");
  for (const socket of echo.sockets) socket.write("from the server");
  await using young = startClient(proxy.port);
  young.say("c");
  await waitFor(() => proxy.connections === 2, { what: "the new connection" });
  // A connection that is not held back is there, and back, before this one is.
  await using direct = startClient(echo.port);
  direct.say("d");
  await waitFor(() => direct.heard === "d");
  assertEquals([old.heard, old.closed, young.heard, young.closed], ["a", false, "", false]);
  proxy.heal();
  await waitFor(
    () => old.heard.includes("from the server") && old.heard.endsWith("b") && young.heard === "c",
    {
      what: "what was held back",
    },
  );
});

test("a client that leaves in a black hole is gone on the server's side once it heals", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  {
    await using client = startClient(proxy.port);
    client.say("a");
    await waitFor(() => client.heard === "a");
    proxy.blackhole();
  }
  await using direct = startClient(echo.port);
  direct.say("d");
  await waitFor(() => direct.heard === "d");
  assertEquals(echo.sockets.size, 2);
  proxy.heal();
  await waitFor(() => echo.sockets.size === 1 && proxy.connections === 0, { what: "the server to notice" });
});

test("a cut ends all connections on both sides, and new ones are served", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await using client = startClient(proxy.port);
  client.say("a");
  await waitFor(() => client.heard === "a");
  proxy.cut();
  await waitFor(() => client.closed && echo.sockets.size === 0, { what: "both ends" });
  await using next = startClient(proxy.port);
  next.say("b");
  await waitFor(() => next.heard === "b");
});
