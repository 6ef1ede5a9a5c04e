import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { connecting, opened, retried, type Rig, turn } from "./setup.ts";

/** The topics in the hello of the current link. */
const asked = ({ server }: Rig) => server.link.sent("hello")[0]![1].topics;

/** The present link opens, and its server has said nothing yet. */
async function greeted(rig: Rig): Promise<void> {
  await retried(rig);
  rig.server.link.open();
}

test("a hello asks for topics, which are live with the first answer", async () => {
  const rig = await connecting();
  const { client, server } = rig;
  const stats = client.subscribe("stats", () => {});
  server.link.open();
  assertEquals(asked(rig), [[1, "stats"]]);
  server.link.say(["welcome", {
    connection: "c",
    node: "n",
    heartbeatMs: 1,
    maxFrameBytes: 65_536,
    topics: true,
  }]);
  await turn();
  assertEquals(server.link.sent("sub"), []);
  assertEquals(stats.status, "pending");
  server.link.say(["res", 1]);
  assertEquals(stats.status, "live");
  await client.close();
});

test("a client that reconnects asks for its missed messages in its hello", async () => {
  const rig = await opened();
  const { client, server } = rig;
  const heard: unknown[] = [];
  const ticker = client.subscribe("ticker/A", ({ n }, { recovered }) => void heard.push([n, recovered]));
  const stats = client.subscribe("stats", () => {});
  await turn();
  server.link.accept("ticker/A", { position: ["e", 4], recovered: false });
  server.link.accept("stats");
  server.link.close();
  await greeted(rig);
  const [[tickerId], [statsId]] = asked(rig)!;
  assertEquals(asked(rig), [[tickerId, "ticker/A", { since: ["e", 4] }], [statsId, "stats"]]);
  server.link.say(["welcome", {
    connection: "c2",
    node: "n",
    heartbeatMs: 1e4,
    maxFrameBytes: 65_536,
    topics: true,
  }]);
  server.link.say(["rec", "ticker/A", 5, { n: 5 }], ["res", tickerId, {
    position: ["e", 5],
    recovered: true,
  }]);
  server.link.say(["rec", "ticker/A", 6, { n: 6 }], ["res", statsId]);
  await turn();
  assertEquals(heard, [[5, true], [6, false]]);
  assertEquals([ticker.status, stats.status, server.link.sent("sub")], ["live", "live", []]);
  await client.close();
});

test("a server that ignores the topics of a hello gets subscribes after its welcome", async () => {
  const rig = await connecting();
  const stats = rig.client.subscribe("stats", () => {});
  rig.server.link.welcome();
  await turn();
  assertEquals(asked(rig)!.length, 1);
  assertEquals(rig.server.link.sent("sub").map(([, , topic]) => topic), ["stats"]);
  rig.server.link.accept("stats");
  assertEquals(stats.status, "live");
  await rig.client.close();
});

test("a listener that leaves before the welcome is unsubscribed, and one that comes meanwhile subscribes again", async () => {
  const rig = await opened();
  const { client, server } = rig;
  const gone = client.subscribe("stats", () => {});
  const kept = client.subscribe("ticker/A", () => {});
  const left = client.subscribe("ticker/B", () => {});
  server.link.close();
  await greeted(rig);
  const ids = asked(rig)!.map(([id]) => id);
  gone.unsubscribe();
  left.unsubscribe();
  const again = client.subscribe("stats", () => {}, {});
  server.link.say(["welcome", {
    connection: "c2",
    node: "n",
    heartbeatMs: 1e4,
    maxFrameBytes: 65_536,
    topics: true,
  }]);
  await turn();
  const [, frame] = server.link.frames;
  assertEquals(frame!.map((message) => message.filter((part) => typeof part === "string")), [
    ["unsub", "stats"],
    ["unsub", "ticker/B"],
    ["sub", "stats"],
  ]);
  server.link.say(["res", ids[0]!], ["res", ids[1]!, { position: ["e", 0], recovered: false }], [
    "res",
    ids[2]!,
  ]);
  assertEquals([kept.status, again.status], ["live", "pending"]); // the first answer was not for it
  server.link.accept("stats");
  assertEquals(again.status, "live");
  await client.close();
});

test("a hello stays small: the client subscribes to topics without room in it after the welcome", async () => {
  const rig = await opened({}, { maxFrameBytes: 2_048 });
  const subs = Array.from({ length: 40 }, (_, i) => rig.client.subscribe(`ticker/${i}`, () => {}));
  rig.server.link.close();
  await greeted(rig);
  const early = asked(rig)!;
  assert(early.length > 10 && early.length < 40, `${early.length} topics`);
  assert(JSON.stringify(early).length <= 512);
  rig.server.link.say(["welcome", {
    connection: "c2",
    node: "n",
    heartbeatMs: 1e4,
    maxFrameBytes: 2_048,
    topics: true,
  }]);
  await turn();
  const late = rig.server.link.sent("sub").map(([, id, topic]) => [id, topic] as const);
  assertEquals([...early, ...late].map(([, topic]) => topic), subs.map(({ topic }) => topic));
  assertEquals(new Set([...early, ...late].map(([id]) => id)).size, 40);
  await rig.client.close();
});

test("an attempt that fails after its hello has asked for nothing", async () => {
  const rig = await opened();
  const stats = rig.client.subscribe("stats", () => {});
  rig.server.link.close();
  await greeted(rig);
  rig.server.link.close();
  await greeted(rig);
  const [[id]] = asked(rig)!;
  rig.server.link.say(["welcome", {
    connection: "c3",
    node: "n",
    heartbeatMs: 1e4,
    maxFrameBytes: 65_536,
    topics: true,
  }]);
  rig.server.link.say(["res", id]);
  assertEquals(stats.status, "live");
  await rig.client.close();
});

test("a refusal of a topic in the hello concerns only its own subscription", async () => {
  const rig = await connecting();
  const stats = rig.client.subscribe("stats", () => {});
  const ticker = rig.client.subscribe("ticker/A", () => {});
  rig.server.link.open();
  const [[first], [second]] = asked(rig)!;
  rig.server.link.say(["welcome", {
    connection: "c",
    node: "n",
    heartbeatMs: 1e4,
    maxFrameBytes: 65_536,
    topics: true,
  }]);
  rig.server.link.say(["err", first, { code: "FORBIDDEN", message: "Not yours" }], ["res", second, {
    position: ["e", 0],
    recovered: false,
  }]);
  assertEquals([(await stats.closed)?.code, ticker.status], ["FORBIDDEN", "live"]);
  await rig.client.close();
});
