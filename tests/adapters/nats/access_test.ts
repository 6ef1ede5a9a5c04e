import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "nats";
import { createNatsAdapter } from "../../../adapters/nats/mod.ts";
import { startNats } from "../../../tools/brokers/nats.ts";
import type { Broker } from "../../../tools/brokers/program.ts";
import { test, waitFor } from "../../harness.ts";
import { CA, CERTIFICATE, KEY } from "./certificates.ts";
import { createCreds } from "./creds.ts";
import { createNode, type NodeOptions, openNode } from "./scene.ts";

/** Starts a server with a configuration, and files beside it that it names as `$FOLDER/…`. */
async function startWith(
  config: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Broker & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-nats-"));
  const path = join(folder, "nats.conf");
  await writeFile(path, config.replaceAll("$FOLDER", folder));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const broker = await startNats({ args: ["--config", path] });
  const { stop: end } = broker;
  const stop = async () => {
    await end();
    await rm(folder, { recursive: true });
  };
  return Object.assign(broker, { stop, [Symbol.asyncDispose]: stop });
}

const ALICE = `authorization { users = [{ user: alice, password: wonder, permissions: {
  publish: { allow: ["app.>"], deny: ["app.silent"] }
  subscribe: { allow: ["app.>"], deny: ["app.secret"] }
} }] }`;

const alice = (server: Broker): NodeOptions => ({
  servers: server.url,
  user: "alice",
  password: "wonder",
  prefix: "app",
});

test("nats: a subscribe that is not permitted rejects and leaves nothing, and the others go on", async () => {
  await using server = await startWith(ALICE);
  await using a = await openNode(alice(server), "news");
  await using b = await openNode(alice(server), "news");
  const error = await assertRejects(() => a.adapter.subscribe("secret"), Error);
  assert(error.message.startsWith(`Cannot subscribe to "secret" at NATS at 127.0.0.1:${server.port}: `));
  assert(error.message.includes("does not permit to subscribe to app.secret"), error.message);
  assertEquals(a.errors, []);
  b.adapter.publish("secret", "hidden");
  b.adapter.publish("news", "open");
  await a.got("news", "open");
  assertEquals(a.received.length, 1);
  // Restored after a restart with the rest, it would be reported.
  await server.kill();
  await a.is("down");
  await server.start();
  await a.is("up");
  assertEquals(a.errors.map(({ stage }) => stage), ["delivery"]);
});

test("nats: a publish that is not permitted is reported once, with its channel, and throws nothing", async () => {
  await using server = await startWith(ALICE);
  await using a = await openNode(alice(server));
  await using b = await openNode(alice(server), "silent", "news");
  for (let i = 0; i < 10; i++) a.adapter.publish("silent", "psst");
  a.adapter.publish("news", "loud");
  await b.got("news", "loud");
  await waitFor(() => a.errors.length > 0, { what: "a report" });
  const [{ error, stage, channel }] = a.errors as [typeof a.errors[number]];
  assertEquals([a.errors.length, stage, channel], [1, "publish", "silent"]);
  assert(error.message.includes("does not permit to publish on app.silent"), error.message);
  assertEquals(b.on("silent"), []);
});

test("nats: a subscription that the server takes back while it is away is reported when it is up again", async () => {
  await using server = await startWith(ALICE.replace('deny: ["app.secret"]', "deny: []"));
  await using a = await openNode(alice(server), "secret", "news");
  await server.kill();
  await a.is("down");
  await using other = await startNatsOn(server.port, ALICE);
  await a.is("up");
  await waitFor(() => a.errors.length === 2, { what: "a report" });
  assertEquals([a.errors[1]!.stage, a.errors[1]!.channel], ["subscribe", "secret"]);
  await using b = await openNode(alice(other));
  b.adapter.publish("news", "still here");
  await a.got("news", "still here");
});

async function startNatsOn(port: number, config: string): Promise<Broker> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-nats-"));
  const path = join(folder, "nats.conf");
  await writeFile(path, config);
  try {
    return await startNats({ port, args: ["--config", path] });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("nats: a node logs in with an nkey; with another one it is refused, and the error does not contain its seed", async () => {
  const [known, unknown] = [nkeys.createUser(), nkeys.createUser()];
  await using server = await startWith(`authorization { users = [{ nkey: ${known.getPublicKey()} }] }`);
  const seedOf = (pair: typeof known) => new TextDecoder().decode(pair.getSeed());
  await using a = await openNode({ servers: server.url, nkeySeed: seedOf(known) }, "news");
  assertEquals(a.statuses, ["up"]);
  await using stranger = createNode({ servers: server.url, nkeySeed: seedOf(unknown) });
  const error = await assertRejects(() => stranger.opening, Error, "refuses our credentials");
  assert(!`${error.message}${error.stack}${error.cause}`.includes(seedOf(unknown)));
});

test("nats: a node logs in with creds", async () => {
  const { config, creds, stranger } = createCreds();
  await using server = await startWith(config);
  await using a = await openNode({ servers: server.url, creds }, "news");
  await using b = await openNode({ servers: server.url, creds });
  b.adapter.publish("news", "hello");
  await a.got("news", "hello");
  await using other = createNode({ servers: server.url, creds: stranger });
  await assertRejects(() => other.opening, Error, "refuses our credentials");
});

const TLS = `tls { cert_file: "$FOLDER/cert.pem", key_file: "$FOLDER/key.pem" }`;
const FILES = { "cert.pem": CERTIFICATE, "key.pem": KEY, "ca.pem": CA };

test("nats: TLS, by address and by name", async () => {
  await using server = await startWith(TLS, FILES);
  for (const host of ["127.0.0.1", "localhost"]) {
    await using node = await openNode({ servers: `tls://${host}:${server.port}`, tls: { ca: CA } }, "news");
    assertEquals(node.statuses, ["up"]);
  }
  // A server that demands it gets it without being asked.
  await using node = await openNode({ servers: server.url, tls: { ca: CA } });
  assertEquals(node.statuses, ["up"]);
});

test("nats: a certificate that is not trusted, or has another name, is refused with one clear error", async () => {
  await using server = await startWith(TLS, FILES);
  const servers = `tls://s3cret@127.0.0.1:${server.port}`;
  for (
    const options of [{ servers }, { servers: servers.replace("tls", "nats") }, {
      servers,
      tls: { ca: CA, serverName: "elsewhere.example" },
    }]
  ) {
    await using node = createNode(options);
    const error = await assertRejects(() => node.opening, Error);
    assert(error.message.startsWith(`Cannot connect to NATS at 127.0.0.1:${server.port}: `), error.message);
    assert(/certificate/i.test(error.message), error.message);
    assert(error.cause !== undefined && !`${error.stack}${error.cause}`.includes("s3cret"));
  }
});

test("nats: a server that asks for our certificate gets it", async () => {
  await using server = await startWith(
    TLS.replace("}", ', ca_file: "$FOLDER/ca.pem", verify: true }'),
    FILES,
  );
  await using node = await openNode({
    servers: `tls://127.0.0.1:${server.port}`,
    tls: { ca: CA, cert: CERTIFICATE, key: KEY },
  });
  assertEquals(node.statuses, ["up"]);
});

test("nats: if one of several servers refuses, the others are used; if none is available this is an error", async () => {
  await using strict = await startNats({ args: ["--auth", "other"] });
  await using open = await startNats();
  const options = { servers: [strict.url, open.url], token: "mine" };
  for (let i = 0; i < 5; i++) {
    await using node = await openNode(options);
    assertEquals([node.statuses, node.errors], [["up"], []]);
  }
  await open.kill();
  await using node = createNode(options);
  await assertRejects(() => node.opening, Error, `${strict.port}: it refuses our credentials`);
});

test("nats: credentials that are refused after a restart are reported, and tried until they are taken", async () => {
  await using server = await startNats({ args: ["--auth", "mine"] });
  await using node = await openNode({ servers: server.url, token: "mine" }, "news");
  await server.kill();
  await node.is("down");
  {
    await using changed = await startNats({ port: server.port, args: ["--auth", "other"] });
    await waitFor(() => node.errors.some(({ error }) => error.message.includes("refuses our credentials")), {
      what: "a report",
      timeoutMs: 20_000,
    });
    assert(changed.running);
  }
  await server.start();
  await node.is("up");
});

test("nats: invalid or contradicting options are refused, and the errors contain no secret", () => {
  const refusals: readonly [NodeOptions, string][] = [
    [{ servers: "http://s3cret@host" }, "server 0 is not a URL"],
    [{ servers: "nats://s3cret%@host" }, "server 0 is not a URL"],
    [{ servers: [] }, "servers is empty"],
    [{ prefix: "" }, "prefix"],
    [{ token: "s3cret", user: "me" }, "user and token"],
    [{ servers: "nats://s3cret@host", user: "me", password: "s3cret" }, "user and token"],
    [{ password: "s3cret" }, "no user"],
    [{ nkeySeed: "s3cret" }, "nkeySeed"],
    [{ creds: "s3cret" }, "creds"],
    [{ probeIntervalMs: 0 }, "probeIntervalMs"],
    [{ maxPendingBytes: "9" as unknown as number }, "maxPendingBytes"],
    [{ connection: {} as never }, "as connection of createNatsAdapter: give what connect() of `nats` 2"],
    [{ prefix: undefined }, 'such as prefix: "my-app"'],
    [{ server: "x" } as NodeOptions, 'did you mean "servers"'],
    [
      { url: "nats://s3cret@host" } as NodeOptions,
      'Cannot use url of createNatsAdapter: there is no such option, did you mean "servers"?',
    ],
  ];
  for (const [options, words] of refusals) {
    const error = assertThrows(() => createNatsAdapter({ prefix: "p", ...options }), Error, words);
    assert(!`${error.message}${error.stack}${error.cause}`.includes("s3cret"), error.message);
  }
});
