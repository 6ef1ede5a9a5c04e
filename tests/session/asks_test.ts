import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory, type HubError } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { laterStore } from "../history/later_store.ts";
import { createNode } from "../hub/chat.ts";
import { codeOf, type RawClient, rawClient, turn } from "../hub/wires.ts";

/** The answer to a client, by id: the output, or the code of an error. */
function answer(raw: RawClient, id: number): unknown {
  const message = raw.heard.find(([kind, to]) => (kind === "res" || kind === "err") && to === id);
  return message?.[0] === "err" ? (message[2] as HubError).code : message?.[2];
}

test("asks: of the position that a client sends, the hub keeps only the parts that it reads", async () => {
  const history = laterStore(createMemoryHistory());
  await using node = await createNode(undefined, { history });
  const seen: unknown[] = [];
  history.onRead = (page, { since }) => (since && seen.push(since), page);
  await node.hub.publish("log/a", { n: 1 });
  const raw = await rawClient(node.loopback.client());
  const long = "é".repeat(10_000);
  raw.say(["sub", 1, "log/a", { since: [long, 1], junk: long }]);
  await waitFor(() => answer(raw, 1) !== undefined, { what: "the subscription" });
  const { position, recovered } = answer(raw, 1) as { position: unknown[]; recovered: boolean };
  assertEquals([position[1], recovered], [1, false]);
  raw.say(["hist", 2, "log/a", { since: [long, 1], junk: long }]);
  await waitFor(() => answer(raw, 2) !== undefined, { what: "the page" });
  const { complete, records } = answer(raw, 2) as { complete: boolean; records: unknown[] };
  assertEquals([complete, records], [false, [[1, { n: 1 }]]]);
  assertEquals(seen, seen.map(() => ["?".repeat(65), 1]));
});

test("asks: only a few of the requested pages are read at the same time", async () => {
  const history = laterStore(createMemoryHistory());
  await using node = await createNode(undefined, { history, limits: { maxHistoryReads: 3 } });
  const clients = await Promise.all(Array.from({ length: 4 }, () => rawClient(node.loopback.client())));
  for (const raw of clients) raw.say(["sub", 1, "log/a"]);
  await waitFor(() => clients.every((raw) => raw.heard.length === 2), { what: "the subscriptions" });
  history.state = "hangs";
  for (const [i, raw] of clients.entries()) {
    for (let id = 2; id < 6; id++) raw.say(["hist", id, "log/a", { reverse: true, limit: 10 * i + id }]); // none shared
  }
  await waitFor(() => history.waiting > 0, { what: "the reads" });
  await turn();
  assertEquals(history.waiting, 3);
  clients[0]!.leave();
  history.release();
  const rest = clients.slice(1);
  await waitFor(() => rest.every((raw) => raw.heard.length === 6), { what: "the pages" });
});

test("asks: a client that has left a topic and may not return does not get the page that it has asked for before", async () => {
  const history = laterStore(createMemoryHistory());
  let isAllowed = true;
  await using node = await createNode(undefined, { history, authorize: { "log/:name": () => isAllowed } });
  const raw = await rawClient(node.loopback.client());
  raw.say(["sub", 1, "log/a"]);
  await waitFor(() => answer(raw, 1) !== undefined, { what: "the subscription" });
  history.state = "hangs";
  for (let id = 2; id < 8; id++) raw.say(["hist", id, "log/a", { reverse: true }]); // more than are read at once
  isAllowed = false;
  raw.say(["unsub", "log/a"], ["sub", 8, "log/a"]);
  await waitFor(() => answer(raw, 8) !== undefined, { what: "the refusal" });
  assertEquals(answer(raw, 8), "FORBIDDEN");
  const published = node.hub.publish("log/a", { n: 1 }); // not for clients without the right
  history.release();
  await published;
  await waitFor(() => answer(raw, 7) !== undefined, { what: "the answers" });
  assertEquals([2, 3, 4, 5, 6, 7].map((id) => answer(raw, id)), new Array(6).fill("FORBIDDEN"));
});

test("asks: a question that was withdrawn before its turn, or whose client is gone, is not asked", async () => {
  const asked: string[] = [];
  const authorize = { "ticker/:symbol": ({ topic }: { topic: string }) => asked.push(topic) > 0 };
  await using node = await createNode(undefined, { authorize });
  const names = Array.from({ length: 500 }, (_, i) => `ticker/${i}`);
  const client = await node.member();
  const subs = names.map((name) => client.subscribe(name as "ticker/x", () => {}));
  for (const sub of subs) sub.unsubscribe();
  await codeOf(() => subs[0]!.ready);
  const raw = await rawClient(node.loopback.client());
  raw.say(...names.map((name, i) => ["sub", i + 1, name]));
  raw.leave();
  await turn();
  await turn();
  assert(asked.length < names.length / 2, `${asked.length} of ${2 * names.length} were asked about`);
});
