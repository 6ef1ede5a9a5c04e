import { assert, assertEquals } from "@std/assert";
import type { HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, opened, retried, type Rig, turn } from "./setup.ts";

/** The hello of the present link. */
const hello = ({ server }: Rig) => server.link.sent("hello")[0]![1];

/** The present link opens, and its server has said nothing yet. */
async function greeted(rig: Rig): Promise<void> {
  await retried(rig);
  rig.server.link.open();
}

const welcome = (rig: Rig, more: Readonly<Record<string, unknown>> = {}) =>
  rig.server.link.say(["welcome", {
    connection: "c2",
    node: "n2",
    heartbeatMs: 1e4,
    maxFrameBytes: 65_536,
    topics: true,
    ...more,
  }]);

test("a topic that cannot be sent fails by itself: the hello, and the client, go on", async () => {
  const rig = await connecting();
  const bad = rig.client.subscribe("ticker/\ud800", () => {});
  const epoch = rig.client.subscribe("ticker/A", () => {}, { since: { epoch: "\udc00", offset: 1 } });
  const good = rig.client.subscribe("stats", () => {});
  rig.server.link.open();
  assertEquals(hello(rig).topics?.map(([, topic]) => topic), ["stats"]);
  welcome(rig);
  rig.server.link.say(["res", hello(rig).topics![0]![0]]);
  await turn();
  assertEquals([bad.status, epoch.status, good.status, rig.client.status], [
    "ended",
    "ended",
    "live",
    "open",
  ]);
  assertEquals((await bad.closed as HubError).code, "BAD_REQUEST");
  await rig.client.close();
});

test("a listener that is told of a lost room may subscribe, and does so once", async () => {
  const rig = await opened();
  const { client, server } = rig;
  server.link.say(["in", "a"]);
  client.onRecovery(() => void client.subscribe("stats", () => {}));
  server.link.close();
  await greeted(rig);
  welcome(rig);
  await turn();
  assertEquals(server.link.sent("sub").length, 1);
  await client.close();
});

test("a topic whose listener leaves while another subscribe fails is unsubscribed, although the hello has named it", async () => {
  const rig = await connecting({
    onError: () => stats.unsubscribe(),
  });
  const { client, server } = rig;
  client.subscribe("ticker/\ud800", () => {});
  const stats = client.subscribe("stats", () => {});
  server.link.open();
  welcome(rig);
  await turn();
  assertEquals([stats.status, server.link.sent("unsub")], ["ended", [["unsub", "stats"]]]);
  await client.close();
});

test("the answer to an early subscribe whose listener has left is not taken for a message of another epoch", async () => {
  const rig = await opened();
  const { client, server } = rig;
  const heard: unknown[] = [];
  const old = client.subscribe("ticker/A", () => {});
  await turn();
  server.link.accept("ticker/A", { position: ["e", 4], recovered: false });
  server.link.close();
  await greeted(rig);
  const [[early]] = hello(rig).topics!;
  old.unsubscribe();
  const since = { epoch: "f", offset: 4 };
  client.subscribe("ticker/A", ({ n }, { epoch }) => void heard.push([n, epoch]), { since });
  welcome(rig, { history: true });
  await turn();
  const [[, id, , asked]] = server.link.sent("sub");
  assertEquals(asked, { since: ["f", 4], again: true });
  server.link.say(["rec", "ticker/A", 5, { n: 5 }], ["res", early, { position: ["e", 5], recovered: true }]);
  server.link.say(["from", id, ["f", 4]], ["rec", "ticker/A", 5, { n: 6 }], ["res", id, {
    position: ["f", 5],
    recovered: true,
  }]);
  assertEquals(heard, [[6, "f"]]);
  await client.close();
});

test("a hello is no larger than the server's frames, whatever the token takes of them", async () => {
  for (const tokenBytes of [0, 1_500, 3_000, 3_900]) {
    const rig = await opened({ token: "x".repeat(tokenBytes) }, { maxFrameBytes: 4_096, rejoin: true });
    for (let i = 0; i < 60; i++) {
      rig.client.subscribe(`ticker/a name that is somewhat long ${i}`, () => {});
      rig.server.link.say(["in", `a room with a name that is somewhat long ${i}`]);
    }
    rig.server.link.close();
    await greeted(rig);
    const { joined, topics } = hello(rig);
    const bytes = JSON.stringify([["hello", hello(rig)]]).length;
    assert(bytes <= 4_096, `${bytes} bytes with a token of ${tokenBytes}`);
    assertEquals([joined!.length > 0, topics !== undefined], [tokenBytes < 3_500, tokenBytes < 3_500]);
    await rig.client.close();
  }
});

test("a first hello that may have been too large for the server is sent again without topics", async () => {
  const rig = await connecting({ token: "x".repeat(300) });
  rig.client.subscribe("stats", () => {});
  rig.server.link.open();
  assertEquals(hello(rig).topics?.length, 1);
  rig.server.link.close(1009);
  await greeted(rig);
  assertEquals(hello(rig).topics, undefined);
  welcome(rig, { topics: undefined });
  await turn();
  assertEquals(rig.server.link.sent("sub").length, 1);
  rig.server.link.close();
  await greeted(rig);
  assertEquals(hello(rig).topics?.length, 1);
  await rig.client.close();
});
