import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { test } from "../../harness.ts";
import { CA, CERTIFICATE, KEY } from "../nats/certificates.ts";
import { createNode, openNode, SHARED } from "./scene.ts";

/** Stands before the broker of the run, as one that takes TLS would take seconds to start. */
async function startTlsFront(): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ cert: CERTIFICATE, key: KEY }, (near) => {
    const far = connect(Number(new URL(SHARED).port), "127.0.0.1");
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => other.destroy());
      socket.pipe(other);
    }
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("rabbitmq: TLS works by address and by name, and a certificate that is not trusted is refused", async () => {
  await using server = await startTlsFront();
  const { port } = server;
  for (const host of ["127.0.0.1", "localhost"]) {
    await using node = await openNode({ url: `amqps://${host}:${port}`, tls: { ca: CA } }, "news");
    assertEquals(node.statuses, ["up"]);
  }
  const secured = `amqps://guest:s3cret@127.0.0.1:${port}`;
  for (const tls of [undefined, { ca: CA, servername: "elsewhere.example" }]) {
    await using node = createNode({ url: secured, ...tls ? { tls } : {} });
    const error = await assertRejects(
      () => node.opening,
      Error,
      `Cannot connect to RabbitMQ at 127.0.0.1:${port}: `,
    );
    assert(/certificate|altname|cert/i.test(error.message), error.message);
    assert(!`${error.stack}${error.cause}`.includes("s3cret"));
  }
});
