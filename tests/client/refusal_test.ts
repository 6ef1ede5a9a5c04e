import { assert, assertStringIncludes } from "@std/assert";
import { createClient, createWebSocketClientTransport } from "../../client/mod.ts";
import { CA, CERTIFICATE, KEY } from "../adapters/nats/certificates.ts";
import { runtime, test } from "../harness.ts";
import { serve } from "../serve.ts";
import { contract } from "./setup.ts";

/** The report of a client whose upgrade is refused. */
async function refusedBy(url: string, Socket?: typeof WebSocket): Promise<string> {
  const client = createClient(contract, {
    url,
    role: "member",
    reconnect: false,
    transport: createWebSocketClientTransport(Socket),
    onError() {},
  });
  return (await client.closed)!.message;
}

test("a refused upgrade is reported with its status and the address, if the platform gives them", async () => {
  const server = serve({ fetch: () => new Response("Not from there", { status: 403 }) });
  try {
    const message = await refusedBy(`ws://ann:secret@127.0.0.1:${server.port}/realtime?token=secret`);
    assertStringIncludes(message, `Cannot connect to the hub at ws://127.0.0.1:${server.port}/realtime: `);
    assertStringIncludes(message, "403");
    assert(!message.includes("secret"), message);
  } finally {
    await server.close();
  }
});

const OVER_TLS =
  "an upgrade that is refused over TLS, after which Deno tries HTTP/2, is reported with the reason";
if (runtime === "deno") {
  test(OVER_TLS, async () => {
    for (const status of [403, 429, 503]) {
      const server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, cert: CERTIFICATE, key: KEY, onListen() {} },
        () => new Response("Refused", { status }),
      );
      using http = Deno.createHttpClient({ caCerts: [CA] });
      const Trusting = class extends WebSocket {
        constructor(url: string | URL, protocols?: string | string[]) {
          super(url, { protocols, client: http } as never); // as Deno takes it
        }
      };
      try {
        const message = await refusedBy(`wss://localhost:${server.addr.port}/realtime`, Trusting);
        assertStringIncludes(
          message,
          "perhaps a refusal (403, 429 or 503), which this platform hides",
        );
      } finally {
        await server.shutdown();
      }
    }
  });
} else test.skip(OVER_TLS, "only Deno tries HTTP/2");
