import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createNatsAdapter,
  createNatsHistory,
  type NatsHistorySettings,
} from "../../../adapters/nats/mod.ts";
import { HubError } from "../../../contract/mod.ts";
import { startNats } from "../../../tools/brokers/nats.ts";
import { test, waitFor } from "../../harness.ts";
import { call, JETSTREAM, openHistory, PLENTY, startJetStream } from "./history_scene.ts";
import { publishForeign } from "./scene.ts";

/** A configuration of a server, in a folder of its own. */
async function config(text: string): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-nats-"));
  const path = join(folder, "nats.conf");
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

const NAME = "trunkline-history";
/** The rights that a user needs beside the prefix. */
const API = [
  ...["INFO", "CREATE", "MSG.GET", "PURGE"].map((name) => `"$JS.API.STREAM.${name}.${NAME}"`),
  `"$JS.API.DIRECT.GET.${NAME}"`,
];
const permissions = (publish: string) =>
  `authorization { users = [{ user: u, password: p, permissions: { publish: [${publish}], subscribe: ["history.>"] } }] }`;

const FITTING = {
  name: NAME,
  subjects: ["history.%log.>"],
  storage: "file",
  retention: "limits",
  discard: "new",
  num_replicas: 1,
  republish: { src: "history.%log.*.*", dest: "history.%new.{{wildcard(1)}}.{{wildcard(2)}}" },
};

test("history in NATS JetStream: a stream that the user has made is used as it is, if it fits", async () => {
  await using server = await startJetStream();
  const own = {
    ...FITTING,
    storage: "memory",
    max_bytes: 1_000_000,
    description: "made by an administrator",
  };
  await call(server, `STREAM.CREATE.${NAME}`, own);
  await using a = await openHistory({ servers: server.url });
  assertEquals((await a.fill("news", 1, 3))[1], 3);
  const { config } = await call(server, `STREAM.INFO.${NAME}`) as { config: typeof own };
  assertEquals([config.description, config.max_bytes], [own.description, own.max_bytes]);
});

const MISFITS: readonly [config: object, word: string, history?: NatsHistorySettings][] = [
  [{ discard: "old" }, "discard"],
  [{ max_age: 1e12, duplicate_window: 1e11 }, "max_age"],
  [{ max_msgs: 1000 }, "max_msgs"],
  [{ max_msgs_per_subject: 10 }, "max_msgs_per_subject"],
  [{ retention: "workqueue" }, "retention"],
  [{ subjects: ["history.%log.*"], republish: undefined }, "subjects"],
  [{ republish: undefined }, "republish"],
  [{ deny_purge: true }, "purge"],
  [{}, "storage is file, not memory", { storage: "memory" }],
  [{}, "replicas", { replicas: 3 }],
  [{ max_bytes: 1_000 }, "max_bytes are 1000, not 2000", { maxBytes: 2_000 }],
];

test("history in NATS JetStream: a stream that would lose messages or counts is refused, with the reason", async () => {
  await using server = await startJetStream();
  for (const [config, word, history = {}] of MISFITS) {
    const made = await call(server, `STREAM.CREATE.${NAME}`, { ...FITTING, ...config }) as { error?: object };
    assertEquals(made.error, undefined, word);
    await assertRejects(() => openHistory({ servers: server.url, history }), Error, word);
    await call(server, `STREAM.DELETE.${NAME}`);
  }
});

test("history in NATS JetStream: a stream that is full refuses, and has room again when something is removed", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url, history: { maxBytes: 20_000 } });
  const append = (channel: string) => a.store.append(channel, "x".repeat(5_000), PLENTY);
  const [epoch] = await append("first");
  const error = await assertRejects(
    async () => {
      for (let i = 0; i < 10; i++) await append("news");
    },
    HubError,
    "maximum bytes exceeded",
  );
  assertEquals(error.code, "UNAVAILABLE");
  const { position: [now, last] } = await a.store.read("news");
  assertEquals(now, epoch);
  await call(server, `STREAM.PURGE.${NAME}`, { filter: "history.%log.*.first" });
  assertEquals(await append("news"), [now, last + 1]);
});

test("history in NATS JetStream: a missing right of the user is reported, with what to grant", async () => {
  await using folder = await config(permissions(['"history.>"', ...API].join()));
  await using server = await startNats({ args: [...JETSTREAM, "--config", folder.path] });
  const options = { servers: server.url, user: "u", password: "p" };
  await using a = await openHistory(options, "news");
  await using b = await openHistory(options, "news");
  await a.fill("news", 1, 200);
  assertEquals((await b.all("news")).length, 200);
  await waitFor(() => b.delivered.length === 200, { what: "everything to be heard" });

  await using few = await config(permissions('"history.>"'));
  await using other = await startNats({ args: [...JETSTREAM, "--config", few.path] });
  const denied = openHistory({ ...options, servers: other.url });
  await assertRejects(() => denied, Error, `does not permit to publish on $JS.API.STREAM.INFO.${NAME}`);
});

test("history in NATS JetStream: a missing right to remove old messages is reported once, and new ones are stored", async () => {
  const granted = ['"history.>"', ...API.filter((name) => !name.includes("PURGE"))];
  await using folder = await config(permissions(granted.join()));
  await using server = await startNats({ args: [...JETSTREAM, "--config", folder.path] });
  await using a = await openHistory({ servers: server.url, user: "u", password: "p" });
  for (let i = 1; i <= 200; i++) await a.store.append("news", `${i}`, { size: 5, ttlMs: Infinity });
  await waitFor(() => a.errors.length > 0, { what: "the report" });
  for (let i = 1; i <= 100; i++) await a.store.append("more", `${i}`, { size: 5, ttlMs: Infinity });
  assertEquals((await a.all("news")).length, 200);
  assertEquals(a.errors.map(({ message }) => message.includes("STREAM.PURGE")), [true]);
});

test("history in NATS JetStream: foreign data among the batches are reported, and are no messages", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url }, "news");
  await using b = await openHistory({ servers: server.url }, "news");
  const [epoch] = await a.fill("news", 1, 3);
  await waitFor(() => b.delivered.length === 3, { what: "what was appended" });
  const subject = `history.%log.${epoch.split(".")[0]}.news`;
  await publishForeign(server.url, subject, new TextEncoder().encode("TLH1[]\nrubbish"));
  await waitFor(() => b.node.words() !== "", { what: "the report" });
  const error = await assertRejects(async () => await b.store.read("news"), HubError, "no hub has sent");
  assert(error.message.includes(subject), error.message);
  // The count is lost with what was there, so another epoch begins.
  const { position, complete } = await b.store.read("news", { since: [epoch, 3] });
  assertEquals([position[1], complete], [0, false]);
  assertNotEquals(position[0], epoch);
  assertEquals(await a.store.append("news", "4", PLENTY), [position[0], 1]);
});

test("history in NATS JetStream: a channel that an administrator has purged begins another epoch", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url });
  await using b = await openHistory({ servers: server.url }, "news");
  let [epoch] = await a.fill("news", 1, 3);
  for (const node of [a, b]) {
    await node.all("news"); // it knows that something was there
    await call(server, `STREAM.PURGE.${NAME}`, { filter: "history.%log.*.news" });
    const [now, offset] = await node.store.append("news", "new", PLENTY);
    assertEquals(offset, 1);
    assertNotEquals(now, epoch);
    epoch = now;
  }
  await call(server, `STREAM.PURGE.${NAME}`);
  await using c = await openHistory({ servers: server.url });
  assertNotEquals((await c.store.append("news", "new", PLENTY))[0].split(".")[0], epoch.split(".")[0]);
});

test("history in NATS JetStream: a message that the server refuses is too large, and the next one is stored", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url });
  const large = a.store.append("news", "x".repeat(1024 * 1024), PLENTY);
  const small = a.store.append("news", "small", PLENTY);
  const error = await assertRejects(async () => await large, HubError, "takes at most");
  assertEquals(error.code, "TOO_LARGE");
  assertEquals((await small)[1], 1);
  const most = "x".repeat(1024 * 1024 - 2_000);
  assertEquals((await a.store.append("news", most, PLENTY))[1], 2);
  assertEquals((await a.all("news"))[1]!.length, most.length);
});

test("history in NATS JetStream: a channel whose subject would be too long is refused, and the connection stays", async () => {
  await using server = await startJetStream();
  await using a = await openHistory({ servers: server.url });
  const long = "x".repeat(3_950);
  const error = await assertRejects(
    async () => await a.store.append(long, "1", PLENTY),
    HubError,
    "too long",
  );
  assertEquals(error.code, "UNAVAILABLE");
  assertEquals((await a.store.append("x".repeat(3_500), "1", PLENTY))[1], 1);
  assertEquals(a.node.statuses, ["up"]);
});

test("history in NATS JetStream: wrong settings are refused where they are given", () => {
  const create = (history: unknown) =>
    createNatsAdapter({ prefix: "history", history: history as NatsHistorySettings });
  assertThrows(() => create("yes"), TypeError, "history");
  assertThrows(() => create({ replica: 3 }), TypeError, "replicas");
  assertThrows(() => create({ replicas: 6 }), RangeError, "from 1 to 5");
  assertThrows(() => create({ storage: "disk" }), TypeError, '"file" or "memory"');
  assertThrows(() => create({ stream: "a.b" }), TypeError, "history.stream");
  assertThrows(() => create({ forgetAfterMs: 60_000 }), RangeError, "forgetAfterMs");
  assertThrows(() => createNatsHistory({ prefix: "p", history: true } as never), TypeError, "history");
  assertThrows(() => create({ domain: "a b" }), TypeError, "domain");
  assertThrows(() => createNatsHistory({ prefix: "€".repeat(90) }), RangeError, "stream");
  for (const history of [false, undefined]) assertEquals(create(history).history, undefined);
});
