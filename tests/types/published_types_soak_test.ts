import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, test } from "../harness.ts";
import { Consumer, OLDEST, VERSIONS } from "../installs/consumer.ts";
import { MISTAKES, PREAMBLE } from "./mistakes.ts";

const DOM = { lib: ["es2022", "dom", "dom.iterable", "esnext.disposable"], module: "nodenext" } as const;
const BARE = { lib: ["es2022"], module: "bundler" } as const;

/** Packing takes long: once for all tests. */
let packed: Promise<Consumer> | undefined;
const consumerOnce = () => packed ??= Consumer.create();
afterAll(async () => await (await packed)?.[Symbol.asyncDispose]());

/** On a machine with much else to do. */
const patiently = { timeoutMs: 600_000 };

/** Entries whose declarations need neither a library for Node nor one of an engine. */
const ENTRIES = [
  "",
  "/contract",
  "/client",
  "/client/presence",
  "/transports/transport",
  "/transports/websocket",
  "/transports/loopback",
  "/transports/deno",
  "/transports/bun",
  "/adapters/adapter",
  "/adapters/history-store",
  "/adapters/presence-store",
  "/adapters/memory",
  "/adapters/memory-history",
  "/adapters/memory-presence",
  "/adapters/broadcast-channel",
  "/conformance",
];

const importing = (entries: readonly string[]) =>
  entries.map((entry, n) => `export * as e${n} from "@trunkline/hub${entry}";\n`).join("");

/** Parts a text where it is not within brackets. */
function part(text: string, separator: string): string[] {
  const parts = [""];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (depth === 0 && text.startsWith(separator, i)) {
      parts.push("");
      i += separator.length - 1;
      continue;
    }
    if ("<{".includes(text[i]!)) depth++;
    if ("}>".includes(text[i]!) && text[i - 1] !== "=") depth--;
    parts[parts.length - 1] += text[i];
  }
  return parts;
}

/** A type with the members of its unions in the order of the alphabet: versions of the compiler order them differently. */
const inOrder = (type: string): string =>
  part(type, " | ").map((member) =>
    part(member, " & ").map((piece) => {
      const found = piece.match(/^(\w+)<(.*)>$/);
      return found ? `${found[1]}<${part(found[2]!, ", ").map(inOrder).join(", ")}>` : piece;
    }).join(" & ")
  ).sort().join(" | ");

/** The compiler's errors for each line of a file. There must be no others. */
function byLine(output: string, file: string): Map<number, string[]> {
  const said = new Map<number, string[]>();
  for (const line of output.split("\n")) {
    const found = line.match(/^(.+)\((\d+),\d+\): error TS\d+: (.*)$/);
    if (!found) {
      assertMatch(line, /^( |$)/); // what it adds to a line
      continue;
    }
    assertEquals(found[1], file, line);
    const number = Number(found[2]);
    said.set(number, [
      ...said.get(number) ?? [],
      found[3]!.replace(/'([^']*)'/g, (_, type) => `'${inOrder(type)}'`),
    ]);
  }
  return said;
}

test(
  "declarations as npm gets them compile, and for typical mistakes the errors list the names and the one that was meant, on the oldest TypeScript and the newest",
  async () => {
    const consumer = await consumerOnce();
    await consumer.write("all.ts", importing(ENTRIES));
    await consumer.write("bare.ts", importing(["/contract", "/client", "/client/presence"]));
    await consumer.write("mistakes.ts", PREAMBLE + MISTAKES.map(([code]) => `${code}\n`).join(""));
    const old = { ...DOM, module: "node16", exact: true } as const;
    assertEquals(await consumer.compile(OLDEST, ["all.ts"], old), { code: 0, output: "" });
    const before = PREAMBLE.split("\n").length - 1;
    for (const version of VERSIONS) {
      assertEquals(await consumer.compile(version, ["bare.ts"], BARE), { code: 0, output: "" }, version);
      // Together: reading the declarations takes most of the time.
      const { output } = await consumer.compile(version, ["all.ts", "mistakes.ts"], DOM);
      const said = byLine(output, "mistakes.ts");
      for (const [n, [code, text]] of MISTAKES.entries()) {
        assertEquals(said.get(before + n + 1), [text], `${code} on TypeScript ${version}`);
        assert(text.length < 160, `${text.length} characters: ${text}`);
      }
      assertEquals(said.size, MISTAKES.length);
    }
  },
  patiently,
);

test(
  "editors complete names, parameters and options, in a contract of 200 entries about as soon as in one of a few",
  async () => {
    const consumer = await consumerOnce();
    const source = await Deno.readTextFile(new URL("complete.ts", import.meta.url));
    await consumer.write("complete.ts", source);
    const { output } = await consumer.run("complete.ts", [`npm:typescript@${OLDEST}`]);
    const { offered, few, many } = JSON.parse(output) as {
      readonly offered: Record<string, readonly string[]>;
      readonly few: number;
      readonly many: number;
    };
    assertEquals(offered, {
      'client.on("§");': ["event0", "event1", "event2", "event3"],
      'client.topic("§");': ["plain0", "plain1", "topic0/:id", "topic1/:id"],
      'client.topic("topic1/:id", { §});': ["id"],
      'hub.publish("§", {});': ["plain0", "plain1"],
      'hub.room("§", { id: 1 });': ["chat/:id"],
      "hub.implement({ member: { §} });": ["say0", "say1"],
      "hub.implement({ member: { say0: (_, { conn }) => conn.§ } });": [
        "address",
        "close",
        "ctx",
        "emit",
        "id",
        "request",
        "role",
        "rooms",
        "signal",
        "unsubscribe",
        "user",
      ],
      'createHub(contract, { authenticate: () => ({ role: "member" }), cluster: {}, §});': [
        "adapter",
        "address",
        "authorize",
        "authorizeTimeoutMs",
        "backplaneTimeoutMs",
        "clock",
        "codecs",
        "heartbeatMs",
        "history",
        "limits",
        "maxBackplaneDownMs",
        "onConnection",
        "onDisconnect",
        "onError",
        "origins",
        "presence",
        "rejoin",
        "requestTimeoutMs",
        "slowConsumer",
        "startWithoutBackplane",
        "transports",
      ],
      'createHub(contract, { authenticate: () => ({ role: "member" }), authorize: { "§": () => true } });': [
        "plain0",
        "plain1",
        "topic0/:id",
        "topic1/:id",
      ],
      'createHub(contract, { authenticate: () => ({ role: "member", user: { id: "", age: 1 } }), rejoin: ({ conn }) => conn.user.§ });':
        ["age", "id"],
    });
    // A busy machine makes both slow.
    assert(many < 100 || many < 6 * few, `${many} ms with 200 entries, ${few} ms with a few`);
  },
  patiently,
);
