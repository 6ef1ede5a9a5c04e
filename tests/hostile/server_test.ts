import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Client, createClient, HubError } from "@trunkline/hub";
import type { ServerMessage } from "@trunkline/hub/contract";
import type { ClientTransport, Link, LinkEvents } from "@trunkline/hub/transports/transport";
import fc from "fast-check";
import { setImmediate } from "node:timers/promises";
import { clientMessage, damaged, serverMessage } from "../contract/arbitraries.ts";
import { assertPrototypesUntouched, runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { RecordingAcceptor } from "../transports/recording.ts";
import { startWebSocket } from "../transports/start_websocket.ts";
import { contract, type HostileDefinition } from "./scene.ts";

type Victim = Client<HostileDefinition, "member">;
const WELCOME = { connection: "c", node: "n", heartbeatMs: 60_000, maxFrameBytes: 10_000 };

/** A server that says what a test wants, on links that open at once. */
class RogueServer implements ClientTransport {
  readonly links: { events: LinkEvents; closed: number | undefined; readonly heard: unknown[] }[] = [];

  connect(
    _url: string,
    [subprotocol = ""]: readonly string[],
    events: LinkEvents & { open(link: Link): void },
  ) {
    const link: RogueServer["links"][number] = { events, closed: undefined, heard: [] };
    this.links.push(link);
    const close = (code: number) => {
      if (link.closed !== undefined) return;
      link.closed = code;
      events.close(code, "");
    };
    events.open({
      subprotocol,
      bufferedAmount: 0,
      send: (frame) => void link.heard.push(...JSON.parse(frame as string)),
      close,
    });
    return close;
  }

  /** Sends a frame on the latest link, as it is. */
  say(frame: string | Uint8Array<ArrayBuffer>): void {
    const link = this.links.at(-1)!;
    if (link.closed === undefined) link.events.message(frame);
  }

  send(...messages: unknown[]): void {
    this.say(JSON.stringify(messages));
  }
}

function scene() {
  const server = new RogueServer();
  const clock = new FakeClock();
  const errors: { error: unknown; stage: string }[] = [];
  const client: Victim = createClient(contract, {
    url: "ws://rogue",
    role: "member",
    transport: server,
    clock,
    random: () => 0.5,
    reconnect: { baseMs: 10, maxMs: 10 },
    onError: (error, { stage }) => errors.push({ error, stage }),
  });
  /** Lets everything run that waits for its turn only. */
  const turn = () => setImmediate();
  return {
    server,
    clock,
    errors,
    client,
    turn,
    async open() {
      await turn();
      server.send(["welcome", WELCOME]);
      await client.ready;
    },
  };
}

const times = 100_000;
const breaches: readonly (readonly [what: string, frame: string | Uint8Array<ArrayBuffer>])[] = [
  ["a malformed frame", "{oops"],
  ["a truncated frame", '[["ev","any",{"a":'],
  ["a binary frame", new TextEncoder().encode('[["ping"]]')],
  ["a deeply nested frame", "[".repeat(times) + "]".repeat(times)],
  ["an unknown kind", '[["__proto__"]]'],
  ["a message of clients", '[["hello",{"role":"member"}]]'],
  ["a second welcome", JSON.stringify([["welcome", WELCOME]])],
  ["a welcome that is none", '[["welcome",{"connection":1}]]'],
  ["a negative id", '[["res",-1,1]]'],
  ["an offset that is none", '[["rec","log/1",1.5,1]]'],
  ["good messages with a bad one behind", '[["ping"],["ping",1]]'],
];

for (const [what, frame] of breaches) {
  test(`hostile server: ${what} ends the connection with 4500, and the client tries again`, async () => {
    const { server, clock, errors, client, turn, open } = scene();
    await open();
    const asked = client.request("echo", 1);
    asked.catch(() => {});
    await turn();
    server.say(frame);
    assertEquals(server.links[0]!.closed, 4500);
    const { code } = await assertRejects(() => asked, HubError);
    assertEquals([code, client.status], ["DISCONNECTED", "reconnecting"]);
    assert(errors.some(({ error, stage }) => stage === "protocol" && error instanceof HubError));
    clock.advance(10);
    await turn();
    server.send(["welcome", WELCOME]);
    assertEquals([server.links.length, client.status], [2, "open"]);
    await client.close();
    assertEquals(clock.pending, 0);
  });
}

test("hostile server: anything before the welcome but a fault ends the attempt", async () => {
  for (const message of [["ping"], ["ev", "any", 1], ["pub", "open/1", 1], ["req", 1, "any"], ["move", 0]]) {
    const { server, client, turn } = scene();
    await turn();
    server.send(message);
    assertEquals([server.links[0]!.closed, client.status], [4500, "connecting"]);
    await client.close();
  }
});

test("hostile server: answers without a question, and unknown names, do nothing", async () => {
  const { server, errors, client, turn, open } = scene();
  await open();
  const error = { code: "X", message: "x" };
  server.send(["res", 1, 1], ["err", 2, error], ["cancel", 3], ["pub", "open/1", 1], ["rec", "log/1", 5, 1]);
  server.send(["gap", "log/1", ["e", 1]], ["end", "open/1", error], ["end", "__proto__", error]);
  assertEquals(errors.splice(0), []);
  server.send(["ev", "nothing", 1], ["ev", "__proto__", 1], ["ev", "constructor", 1]);
  assertEquals(errors, []);
  server.send(["req", 1, "__proto__", 1], ["req", 2, "any", 1]);
  await turn();
  const { heard } = server.links[0]!;
  assertEquals(heard.slice(-2).map((message) => (message as unknown[]).slice(0, 2)), [["err", 1], [
    "err",
    2,
  ]]);
  assertEquals(client.status, "open");
  await client.close();
});

test("hostile server: payloads that do not fit are reported, and reach no listener", async () => {
  const { server, errors, client, turn, open } = scene();
  await open();
  const heard: unknown[] = [];
  client.on("object", (value) => heard.push(value));
  client.on("record", (value) => heard.push(value));
  server.send(["ev", "object", { a: "x" }], ["ev", "record", 1], ["ev", "object"], ["ev", "object", null]);
  // Of each event once for now.
  assertEquals([heard.length, errors.splice(0).map(({ stage }) => stage)], [0, Array(2).fill("event")]);
  server.say(
    '[["ev","object",{"a":1,"__proto__":{"polluted":true}}],["ev","record",{"__proto__":{"polluted":true}}]]',
  );
  server.send(["ev", "object", { a: 1 }]);
  assertEquals([heard, errors.splice(0).map(({ stage }) => stage)], [[{ a: 1 }], ["event", "event"]]);
  const answer = client.request("strict", { text: "a" });
  await turn();
  server.send(["res", 1, { text: 1 }]);
  assertEquals((await assertRejects(() => answer, HubError)).code, "VALIDATION");
  assertPrototypesUntouched();
  await client.close();
});

test("hostile server: floods of questions, faults and moves are bounded, and leave nothing behind", async () => {
  const { server, clock, client, turn, open, errors } = scene();
  await open();
  const pending = clock.pending;
  for (let i = 0; i < 5_000; i++) {
    server.send(["req", i + 1, "nothing", i], ["fault", { code: "X", message: "x" }]);
  }
  server.send(...Array.from({ length: 5_000 }, () => ["move", 60_000]));
  assert(clock.pending <= pending + 1);
  assertEquals(errors.splice(0).length, 1);
  await turn();
  const answers = server.links[0]!.heard.filter((message) => (message as unknown[])[0] === "err");
  assertEquals(answers.length, 5_000);
  await client.close();
  assertEquals(clock.pending, 0);
});

test("hostile server: whatever it sends, the client reports, answers and goes on, and closes cleanly", async () => {
  const message = fc.oneof(
    { weight: 4, arbitrary: serverMessage },
    {
      weight: 4,
      arbitrary: fc.tuple(
        fc.constantFrom("ev", "pub", "rec", "res", "err", "end", "gap"),
        fc.constantFrom("any", "object", "open/1", "log/1", 1, 2, 3),
        fc.oneof(fc.nat({ max: 4 }), fc.constant({ code: "X", message: "x" }), fc.constant(["e", 1])),
        fc.anything().map((value) =>
          JSON.parse(JSON.stringify(value, (_, v) => typeof v === "bigint" ? 0 : v) ?? "0")
        ),
      ).map((list) => list.slice(0, 3 + Number(list[0] === "rec"))),
    },
    clientMessage,
  );
  const frame = fc.oneof(
    { weight: 3, arbitrary: fc.array(message, { maxLength: 3 }).map((list) => JSON.stringify(list)) },
    damaged(message as fc.Arbitrary<readonly unknown[]>),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 8 }), fc.boolean(), async (frames, welcome) => {
      const { server, clock, client, errors, turn } = scene();
      client.subscribe("open/1", () => {});
      client.subscribe("log/1", () => {});
      client.on("any", () => {});
      const asked = [client.request("echo", 1), client.request("strict", { text: "a" })];
      for (const answer of asked) answer.catch(() => {});
      await turn();
      if (welcome) server.send(["welcome", WELCOME]);
      for (const frame of frames) server.say(frame);
      await turn();
      for (const { error } of errors) assert(error instanceof HubError, String(error));
      await client.close();
      await Promise.allSettled(asked);
      assertEquals(clock.pending, 0);
    }),
    runs(500),
  );
  assertPrototypesUntouched();
});

test("hostile server: over a real WebSocket, breaches and floods of bytes hurt one client only", async () => {
  const acceptor = new class extends RecordingAcceptor {
    override readonly subprotocols = ["trunkline.v1.json"];
  }();
  const running = startWebSocket(acceptor);
  const errors: unknown[] = [];
  const connect = () =>
    createClient(contract, {
      url: running.url,
      role: "member",
      reconnect: false,
      onError: (error) => errors.push(error),
    }) as Victim;
  try {
    const neighbour = connect();
    const ends = acceptor.ends;
    const say = (end: typeof ends[number], ...messages: ServerMessage[]) =>
      end.link.send(JSON.stringify(messages));
    await waitFor(() => ends[0]?.frames.length === 1, { what: "the neighbour's hello" });
    say(ends[0]!, ["welcome", WELCOME]);
    await neighbour.ready;
    for (
      const frame of ["[".repeat(times), `[["ev","any","${"x".repeat(8 << 20)}"]]`, new Uint8Array(1 << 20)]
    ) {
      const index = ends.length;
      const victim = connect();
      await waitFor(() => ends[index]?.frames.length === 1, { what: "a hello" });
      say(ends[index]!, ["welcome", WELCOME]);
      await victim.ready;
      ends[index]!.link.send(frame);
      say(ends[index]!, ["oops"] as never);
      await waitFor(() => victim.status === "closed", { what: "the victim to leave" });
      assertEquals((await victim.closed)?.code, "BAD_REQUEST");
    }
    const answer = neighbour.request("echo", "alive");
    await waitFor(() => ends[0]!.frames.length === 2, { what: "the neighbour's question" });
    say(ends[0]!, ["res", 1, "alive"]);
    assertEquals(await answer, "alive");
    await neighbour.close();
    assert(errors.every((error) => error instanceof HubError));
  } finally {
    await running.close();
  }
});
