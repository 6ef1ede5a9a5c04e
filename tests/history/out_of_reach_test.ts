/** Numbers that are out of reach: positions that clients make up, and what they do to others; limits. */
import { assertEquals } from "@std/assert";
import { createMemoryHistory } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { createNode } from "../hub/chat.ts";
import { rawClient } from "../hub/wires.ts";
import { laterStore } from "./later_store.ts";

test("history: invented positions beyond the newest message, from one client, take no recovery from another", async () => {
  const history = laterStore(createMemoryHistory());
  await using node = await createNode(undefined, { history });
  const { hub, loopback } = node;
  let epoch = "";
  for (let n = 1; n <= 5; n++) ({ epoch } = await hub.publish("log/x", { n }));
  const [liar, other] = [await rawClient(loopback.client()), await rawClient(loopback.client())];
  const { reads } = history;
  liar.say(["sub", 1, "log/x"]);
  await waitFor(() => liar.heard.some(([kind, id]) => kind === "res" && id === 1), {
    what: "the subscription",
  });
  history.state = "hangs";
  liar.say(
    ...[1, 2].map((n) => ["hist", 1 + n, "log/x", { limit: 1, since: [epoch, Number.MAX_SAFE_INTEGER - n] }]),
  );
  await waitFor(() => history.reads === reads + 3, { what: "both reads that may be under way" });
  other.say(["sub", 1, "log/x", { since: [epoch, 2] }]);
  await waitFor(() => hub.stats().historyReads === 3, { what: "the third, which waits" });
  history.release();
  await waitFor(() => other.heard.some(([kind]) => kind === "res"), { what: "the answer" });
  const [, ...after] = other.heard;
  assertEquals(after.map(([kind, id, offset]) => kind === "rec" ? [id, offset] : kind), [
    ["log/x", 3],
    ["log/x", 4],
    ["log/x", 5],
    "res",
  ]);
  assertEquals(after.at(-1), ["res", 1, { position: [epoch, 5], recovered: true }]);
});

test("history: a limit above all safe numbers means none, for a hub and a client", async () => {
  await using node = await createNode(undefined, { history: createMemoryHistory() });
  for (let n = 1; n <= 5; n++) await node.hub.publish("log/x", { n });
  const client = await node.member();
  const log = client.subscribe("log/x", () => {});
  await log.ready;
  for (const limit of [Number.MAX_SAFE_INTEGER, 2 ** 53, 1e21, Number.MAX_VALUE, Infinity]) {
    for (const page of [await node.hub.history("log/x", { limit }), await log.history({ limit })]) {
      assertEquals([page.records.length, page.complete], [5, true], `${limit}`);
    }
  }
  assertEquals(client.status, "open");
});
