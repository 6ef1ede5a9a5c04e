import { assert, assertEquals, assertThrows } from "@std/assert";
import { readServers } from "../../../adapters/rabbitmq/addresses.ts";
import { connectError } from "../../../adapters/rabbitmq/errors.ts";
import { createRabbitMqAdapter, type RabbitMqAdapterOptions } from "../../../adapters/rabbitmq/mod.ts";
import { keyOf, nameOf, RabbitMqNames } from "../../../adapters/rabbitmq/names.ts";
import { pack, unpack } from "../../../adapters/rabbitmq/packing.ts";
import { utf8Size } from "../../../contract/values/utf8_size.ts";
import { test } from "../../harness.ts";

test("rabbitmq: every channel has a routing key of its own, of at most 255 bytes", () => {
  const channels = [
    "",
    "a",
    "c:a",
    "j:a",
    "h:a",
    '"a"',
    "\ud800",
    "\udfff",
    "\ufffd",
    "é".repeat(126),
    "é".repeat(127),
  ];
  for (const last of ["x", "y", "\ud800"]) {
    channels.push("x".repeat(300) + last, "\u{1f642}".repeat(2_000) + last);
  }
  const keys = channels.map((channel) => keyOf(nameOf(channel)));
  assertEquals(new Set(keys).size, channels.length);
  for (const key of keys) assert(utf8Size(key) <= 255 && key.isWellFormed(), key);
  assertEquals(keyOf(nameOf("room/1")), "c:room/1");
  assertEquals(keyOf(nameOf("x".repeat(253))), `c:${"x".repeat(253)}`);
  assert(keyOf(nameOf("x".repeat(254))).startsWith("h:"));
});

test("rabbitmq: names of different prefixes differ, also where RabbitMQ would drop line breaks", () => {
  const prefixes = ["a", "a\n", "a\r", "a b", "a%20b", "A", "a.b", "é", "amq.a"];
  assertEquals(new Set(prefixes.map((prefix) => new RabbitMqNames(prefix).exchange)).size, prefixes.length);
  assert(new RabbitMqNames("amq.a").exchange.startsWith("trunkline."));
  assertThrows(() => new RabbitMqNames("é".repeat(30)), RangeError, "180 bytes, and at most 150");
});

test("rabbitmq: a packed message is unpacked unchanged, and other data are refused", () => {
  const bytes = (...values: number[]) => new Uint8Array(values);
  for (const messages of [[bytes(1)], [bytes(), bytes(1, 2), bytes()], [new Uint8Array(70_000), bytes(7)]]) {
    assertEquals(unpack(pack(messages) as Uint8Array<ArrayBuffer>), messages);
  }
  const packed = pack([bytes(1, 2), bytes(3)]) as Uint8Array<ArrayBuffer>;
  for (let length = 0; length < packed.length; length++) {
    const whole = unpack(packed.slice(0, length));
    if (whole) assertEquals(whole, [bytes(1, 2)]); // the first alone
  }
  for (const foreign of [bytes(), bytes(0), bytes(255, 255, 255, 255), bytes(0, 0, 0, 2, 1)]) {
    assertEquals(unpack(foreign), undefined);
  }
});

test("rabbitmq: invalid or contradicting options are refused, and the errors contain no secret", () => {
  const client = { host: "h", port: 5672, tls: false, vhost: "/", username: "u", password: "s3cret" };
  const refusals: readonly [Partial<RabbitMqAdapterOptions>, string][] = [
    [{ url: "http://u:s3cret@host" }, "url of createRabbitMqAdapter: give one like amqp://"],
    [{ url: "amqp://u:s3cret%@host" }, "url of createRabbitMqAdapter"],
    [{ url: ["amqp://host", "u:s3cret@host"] }, "url[1]"],
    [{ url: [] }, "the list is empty"],
    [{ url: "amqps://host", tls: false }, "tls: false"],
    [{ prefix: "" }, "prefix"],
    [{ prefix: undefined }, 'such as prefix: "my-app"'],
    [{ client, url: "amqp://host" }, "client of createRabbitMqAdapter together with url"],
    [{ client, password: "s3cret" }, "together with password"],
    [{ client: { ...client, host: undefined } as never }, "give an AMQPClient of @cloudamqp/amqp-client 4"],
    [{ client: "amqp://u:s3cret@host" as never }, "AMQPClient"],
    [{ password: 7 as never }, "password"],
    [{ client: null as never }, "null as client"],
    [{ client: false as never }, "AMQPClient"],
    [{ client: "" as never }, "AMQPClient"],
    [
      { client: { ...client, vhost: "v".repeat(256) } },
      "vhost of createRabbitMqAdapter: it takes 256 bytes, and at most 255",
    ],
    [{ vhost: "é".repeat(128) }, "it takes 256 bytes"],
    [{ vhost: "\ud800" }, "vhost of createRabbitMqAdapter: give well-formed text"],
    [{ username: "a\0guest" }, "username of createRabbitMqAdapter: give well-formed text without U+0000"],
    [{ password: "s3cret\0" }, "password of createRabbitMqAdapter: give well-formed text"],
    [{ password: "s3cret".repeat(1_200) }, "they take 7205 bytes, and at most 7000 fit"],
    [{ url: "amqp://u:#s3cret@host" }, "it has a ?, # or @ in a wrong place"],
    [{ url: "amqp://u:1?s3cret@host" }, "%3F, %23, %40 and %2F"],
    [{ url: "amqp://u:1/s3cret@host" }, "it has a ?, # or @ in a wrong place"],
    [{ url: "amqp://host?heartbeat=5" }, "Give settings as options"],
    [
      { url: ["amqp://a:s3cret@host", "amqp://b@other"] },
      "url[1] of createRabbitMqAdapter: its username differs",
    ],
    [
      { url: ["amqp://a:s3cret@host", "amqp://a:s3cret2@other"] },
      "its password differs from the one in an earlier URL",
    ],
    [
      { url: ["amqp://host/one", "amqp://other", "amqp://third/two"] },
      "url[2] of createRabbitMqAdapter: its vhost",
    ],
    [{ maxQueueBytes: 0 }, "maxQueueBytes"],
    [{ probeIntervalMs: -1 }, "probeIntervalMs"],
    [{ tls: { servrname: "x" } as never }, "servername"],
    [{ urls: "amqp://u:s3cret@host" } as never, 'did you mean "url"'],
  ];
  for (const [options, words] of refusals) {
    const error = assertThrows(() => createRabbitMqAdapter({ prefix: "p", ...options }), Error, words);
    assert(!`${error.message}${error.stack}${error.cause}`.includes("s3cret"), error.message);
  }
  assertThrows(() => createRabbitMqAdapter("amqp://u:s3cret@host" as never), TypeError, "address alone");
});

test("rabbitmq: settings in one URL of several hold for all, and may be repeated", () => {
  const urls = ["amqp://u:p%23@one/v%2F1", "amqp://two:7", "amqp://u:p%23@[::1]/v%2F1"];
  assertEquals(readServers(urls), {
    addresses: [
      { hostname: "one", port: 5672 },
      { hostname: "two", port: 7 },
      { hostname: "::1", port: 5672 },
    ],
    tls: false,
    username: "u",
    password: "p#",
    vhost: "v/1",
  });
});

test("rabbitmq: a refusal of the server is reported with what to do, and tried again if that may help", () => {
  const saying = (words: string) =>
    connectError("host:5672", new Error(`connection closed: ${words}`), ["s3cret"]);
  const login = saying("ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. (403)");
  assertEquals(login.kind, "refused");
  assert(/check username and password.+guest from its own machine only/.test(login.message), login.message);
  const vhost = saying("NOT_ALLOWED - vhost s3cret not found (530)");
  assertEquals([vhost.kind, vhost.message.includes("s3cret")], ["refused", false]);
  assert(vhost.message.includes("check vhost and permissions"), vhost.message);
  assertEquals(
    saying("NOT_ALLOWED - access to vhost '/' refused: connection limit (9) is reached (530)").kind,
    "answered",
  );
  assertEquals(saying("CONNECTION_FORCED - broker forced connection closure (320)").kind, "answered");
  const away = connectError(
    "h:1",
    Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
    [],
  );
  assertEquals([away.kind, away.message], [
    "unreachable",
    "Cannot connect to RabbitMQ at h:1: no program listens there; check the address, or start it",
  ]);
  const tls = connectError(
    "h:1",
    Object.assign(new Error("received corrupt message of type InvalidContentType"), { code: "ERR_SSL" }),
    [],
  );
  assertEquals(tls.kind, "refused");
  assert(tls.message.includes("amqp:// or amqps://"), tls.message);
});
