import { assertRejects, assertStringIncludes } from "@std/assert";
import { createServer } from "node:net";
import { once } from "node:events";
import { onDeno, openNode } from "./scene.ts";

const onlyDeno = onDeno("zeromq greeting");

/** A program that says something to each connection, and then nothing more. */
async function startSpeaker(
  bytes: Uint8Array | "close",
): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume(); // otherwise it does not see that the other side closes
    if (bytes === "close") socket.end();
    else socket.write(bytes);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    address: `tcp://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

/** The greeting of a ZeroMQ socket with a mechanism. */
function greeting(mechanism: string): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]);
  bytes.set(new TextEncoder().encode(mechanism), 12);
  return bytes;
}

const curve = async () => (await import("zeromq")).curveKeyPair();

/** What others say, what this node has, and what its error says. */
const CASES = [
  ["keys of the other side alone", greeting("CURVE"), () => "none" as const, "set curve"],
  ["keys of this node alone", greeting("NULL"), curve, "set curve on all nodes or on none"],
  ["a password", greeting("PLAIN"), curve, "it demands PLAIN, and this adapter has only curve"],
  [
    "a ticket",
    greeting("GSSAPI"),
    () => "none" as const,
    "it demands GSSAPI, and this adapter has only curve",
  ],
  ["a mechanism that nobody knows", greeting("\x1b[2J"), curve, "does not speak ZeroMQ"],
  ["a web server", new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n"), curve, "does not speak ZeroMQ"],
  ["an end at once", "close", curve, "closed the connection"],
] as const;

for (const [what, said, keys, words] of CASES) {
  onlyDeno(
    `zeromq greeting: a peer that cannot be talked to ends open, and the error says why: ${what}`,
    async () => {
      await using speaker = await startSpeaker(said);
      const { address } = speaker;
      const options = {
        bind: "tcp://127.0.0.1:*",
        peers: [address],
        curve: await keys(),
        connectTimeoutMs: 30_000,
      };
      const error = await assertRejects(() => openNode(options), Error);
      assertStringIncludes(error.message, words);
      assertStringIncludes(error.message, address);
    },
  );
}
