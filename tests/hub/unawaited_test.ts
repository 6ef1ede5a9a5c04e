/**
 * Promises that no code awaits: an error of theirs must not end the process. The platform would end it, and this test with it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  createEmitter,
  createMemoryAdapter,
  createMemoryBus,
  createMemoryHistory,
  HubError,
} from "@trunkline/hub";
import type { HistoryStore } from "@trunkline/hub/adapters/history-store";
import { AppCalls } from "../../hub/connection/app_calls.ts";
import { FakeClock, microtaskClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, createNode, type Node } from "./chat.ts";
import { codeOf, microtasks, rejection, turn } from "./wires.ts";

/** A store that is away: it refuses at once, or later. */
function awayStore(later: boolean): HistoryStore {
  const memory = createMemoryHistory();
  const away = () => new HubError("UNAVAILABLE", "The store is away");
  return {
    name: "away",
    publishes: false,
    append() {
      if (later) return Promise.reject(away());
      throw away();
    },
    read: (channel, options) => memory.read(channel, options),
  };
}

/** What was reported of calls: the name, and the code. */
function reported({ errors }: Pick<Node, "errors">): unknown[] {
  return errors.map((
    { error, info },
  ) => [info.stage, info.name, (error as HubError).code ?? (error as Error).name]);
}

/** Lets the platform look for rejections that no code handles. */
async function turns(): Promise<void> {
  for (let n = 0; n < 5; n++) await turn();
}

test("unawaited: a publish that the store does not take is reported once, and the process goes on", async () => {
  for (const later of [false, true]) {
    await using node = await createNode(undefined, { history: awayStore(later) });
    node.hub.publish("log/x", { n: 1 });
    void node.hub.topic("log/:name", { name: "y" }).publish({ n: 1 });
    // @ts-expect-error: a wrong payload
    node.hub.publish("log/z", { n: "one" });
    await turns();
    assertEquals(reported(node).sort(), [
      ["call", "log/x", "UNAVAILABLE"],
      ["call", "log/y", "UNAVAILABLE"],
      ["call", "log/z", "VALIDATION"],
    ]);
  }
});

test("unawaited: the publishes of an outage are reported once, and then counted", async () => {
  const clock = new FakeClock();
  const node = await createNode(undefined, { history: awayStore(true), clock });
  const { hub, errors } = node;
  const told = () => errors.splice(0).map(({ info: { stage, name, count } }) => [stage, name, count]);
  const flood = async (from: number) => {
    for (let n = 0; n < 1_000; n++) void hub.publish(`log/${n < 500 ? "x" : n + from}`, { n });
    await turns();
  };
  await flood(0);
  const first = told();
  assertEquals([first[0], first.some(([, , count]) => count !== undefined)], [
    ["call", "log/x", undefined],
    false,
  ]);
  assert(first.length < 40, `${first.length} reports`);
  clock.advance(10_000);
  const counted = told();
  assertEquals(counted[0], ["call", "log/x", 499]);
  const total = (reports: unknown[][]) =>
    reports.reduce((sum, [, , count = 1]) => sum + (count as number), 0);
  assertEquals(total([...first, ...counted]), 1_000);
  await flood(1_000);
  await node[Symbol.asyncDispose]();
  assertEquals([total(told()), clock.pending], [1_000, 0], "the rest is told when the hub is closed");
  await flood(1_000);
  const late = told();
  assert(late.length < 80, `${late.length} reports`);
  assertEquals([total(late), clock.pending], [1_000, 0]);
});

test("unawaited: a caller that listens gets the error alone, however it listens", async () => {
  await using node = await createNode(undefined, { history: awayStore(true) });
  const publish = () => node.hub.publish("log/x", { n: 1 });
  const got: string[] = [];
  const take = (error: unknown) => void got.push((error as HubError).code);
  const inHandler = async () => await publish();
  // deno-lint-ignore require-await
  const returned = async () => publish();
  await Promise.all([
    inHandler().catch(take),
    returned().catch(take),
    publish().catch(take),
    publish().then(() => {}, take),
    publish().finally(() => {}).catch(take),
    Promise.all([publish(), publish()]).catch(take),
    Promise.race([publish()]).catch(take),
    Promise.resolve(publish()).catch(take),
    new Promise((resolve) => resolve(publish())).catch(take),
  ]);
  const [settled] = await Promise.allSettled([publish()]);
  assertEquals(settled.status, "rejected");
  await turns();
  assertEquals([got, node.errors], [Array(9).fill("UNAVAILABLE"), []]);
});

test("unawaited: code that listens too late still gets the error", async () => {
  await using node = await createNode(undefined, { history: awayStore(true) });
  const publishing = node.hub.publish("log/x", { n: 1 });
  assert(publishing instanceof Promise);
  await turns();
  assertEquals(await codeOf(() => publishing), "UNAVAILABLE");
  assertEquals(reported(node), [["call", "log/x", "UNAVAILABLE"]]);
});

test("unawaited: a broadcast, an entry, a question and an order to the cluster are reported as well", async () => {
  await using node = await createNode();
  const { hub } = node;
  const client = await node.member("ann");
  const [conn] = (await hub.cluster.connections()).connections;
  const gone = { id: conn!.id + "0" };
  hub.room("room/1").add(gone);
  hub.connection(gone.id).request("confirm", { question: "?" });
  // @ts-expect-error: no such question
  hub.room("room/2").request("confrm", { question: "?" });
  // @ts-expect-error: no such bus request
  hub.requestServers("laod", {});
  const nobody = {} as { readonly user: string };
  hub.cluster.disconnect(nobody);
  hub.cluster.join(nobody, "room/3");
  hub.cluster.leave(nobody, "room/4");
  await turns();
  assertEquals(reported(node).sort(), [
    ["call", "confirm", "NOT_FOUND"],
    ["call", "confrm", "NOT_FOUND"],
    ["call", "disconnect", "TypeError"],
    ["call", "laod", "NOT_FOUND"],
    ["call", "room/1", "DISCONNECTED"],
    ["call", "room/3", "TypeError"],
    ["call", "room/4", "TypeError"],
  ]);
  await client.close();
});

test("unawaited: a question to a client that leaves", async () => {
  await using node = await createNode(undefined, {
    onConnection(conn) {
      if (conn.role === "member") conn.request("confirm", { question: "?" });
    },
  });
  const client = await node.member("ann");
  await client.close();
  await waitFor(() => node.errors.length > 0, { what: "the report" });
  assertEquals(reported(node), [["call", "confirm", "DISCONNECTED"]]);
});

test("unawaited: an emitter's publish", async () => {
  const reports: unknown[] = [];
  await using emitter = createEmitter(chat, {
    adapter: createMemoryAdapter({ bus: createMemoryBus() }),
    onError: (error, { stage, name }) => void reports.push([stage, name, (error as HubError).code]),
  });
  emitter.publish("log/x", { n: 1 });
  assertEquals((await rejection(emitter.publish("log/y", { n: 1 }))).code, "UNAVAILABLE");
  await turns();
  assertEquals(reports, [["call", "log/x", "UNAVAILABLE"]]);
});

test("unawaited: a report waits for the end of the turn, because code may listen until then", async () => {
  const reports: unknown[] = [];
  const calls = new AppCalls(microtaskClock, (error) => void reports.push(error));
  const answers = [1, 2].map((n) => calls.run("x", () => Promise.reject(n)));
  await microtasks();
  answers[0]!.catch(() => {});
  await turns();
  assertEquals(reports, [2]);
  assertEquals(await calls.run("x", () => 5), 5);
  calls.close();
});

test("a call whose options throw when they are read rejects, and does not wait without end", async () => {
  await using node = await createNode();
  const options = {
    get signal(): AbortSignal {
      throw new Error("no signal");
    },
  };
  const { hub } = node;
  const calls: (() => Promise<unknown>)[] = [
    () => hub.requestServers("load", {}, options),
    () => hub.room("r").request("confirm", { question: "?" }, options),
    () => hub.cluster.disconnect({ user: "ann" }, options),
    () => hub.cluster.join({ user: "ann" }, "r", options),
    () => hub.cluster.connections({ user: "ann" }, options),
    () => hub.cluster.count({ user: "ann" }, options),
    () => hub.cluster.exists({ user: "ann" }, options),
  ];
  for (const call of calls) assertEquals((await rejection(call()) as Error).message, "no signal");
  await turns();
});
