import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Redis } from "ioredis";
import { createClient } from "redis";
import type { Broker } from "../../../tools/brokers/program.ts";
import { freePort } from "../../../tools/brokers/ports.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode, type NodeOptions, openNode } from "./scene.ts";

const TIMEOUT = { timeoutMs: 120_000 };

interface Secured extends AsyncDisposable {
  readonly broker: Broker;
  /** The port that speaks TLS; the broker's own does not. */
  readonly port: number;
  readonly ca: string;
}

/** Creates a self-signed certificate for 127.0.0.1, and a server that uses it. */
async function startSecured(args: readonly string[] = []): Promise<Secured> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  // An end entity's: rustls takes no CA's certificate for a server's.
  const use = ["-addext", "basicConstraints=critical,CA:FALSE", "-days", "2"];
  await promisify(execFile)("openssl", [...kind, ...use, ...subject, "-keyout", key, "-out", cert]);
  const port = await freePort();
  const tls = ["--tls-port", String(port), "--tls-cert-file", cert, "--tls-key-file", key];
  const broker = await startRedis({ args: [...tls, "--tls-auth-clients", "no", ...args] });
  return {
    broker,
    port,
    ca: await readFile(cert, "utf8"),
    async [Symbol.asyncDispose]() {
      await broker.stop();
      await rm(folder, { recursive: true });
    },
  };
}

test(
  "redis over TLS: a certificate that is trusted by name works, with a URL and with each kind of client",
  async () => {
    await using server = await startSecured(["--requirepass", "s3cret"]);
    const { port, ca } = server;
    const ways: NodeOptions[] = [
      { url: `rediss://:s3cret@127.0.0.1:${port}`, tls: { ca } },
      { client: new Redis({ host: "127.0.0.1", port, password: "s3cret", tls: { ca }, lazyConnect: true }) },
      { client: createClient({ socket: { host: "127.0.0.1", port, tls: true, ca }, password: "s3cret" }) },
    ];
    for (const options of ways) {
      await using a = await openNode(options, "news");
      await using b = await openNode(options);
      b.adapter.publish("news", "hello");
      await waitFor(() => a.on("news").length === 1);
    }
  },
  TIMEOUT,
);

test("redis over TLS: an untrusted certificate is one clear error without the secret", async () => {
  await using server = await startSecured(["--requirepass", "s3cret"]);
  const { port, ca } = server;
  for (
    const [options, why] of [
      [{ url: `rediss://:s3cret@127.0.0.1:${port}` }, "the TLS handshake failed"],
      [{ url: `rediss://:s3cret@127.0.0.1:${port}`, tls: { ca, servername: "x.example" } }, "TLS handshake"],
      [{ url: `rediss://:wrong@127.0.0.1:${port}`, tls: { ca } }, "it refuses the credentials"],
    ] as const
  ) {
    await using node = createNode(options);
    const where = `Cannot connect to Redis at 127.0.0.1:${port}: `;
    const error = await assertRejects(() => node.opening, Error, where);
    assert(error.message.includes(why), error.message);
    assert(error.cause instanceof Error);
    assert(!`${error.stack}${error.cause.stack}`.includes("s3cret"));
    assertEquals(node.statuses, []);
  }
}, TIMEOUT);

test(
  "redis over TLS: TLS at one end only is reported, and tried again: a server may be about to start",
  async () => {
    await using server = await startSecured();
    for (
      const [scheme, port] of [["redis", server.port], ["rediss", server.broker.port]] as const
    ) {
      await using node = createNode({ url: `${scheme}://127.0.0.1:${port}`, connectTimeoutMs: 1_000 });
      await waitFor(() => node.errors.length > 0, { what: "a report", timeoutMs: 20_000 });
      const { error, stage } = node.errors[0]!;
      assertEquals(stage, "open");
      assert(error.message.startsWith(`Cannot connect to Redis at 127.0.0.1:${port}: `), error.message);
      assertEquals(node.statuses, []);
    }
  },
  TIMEOUT,
);
