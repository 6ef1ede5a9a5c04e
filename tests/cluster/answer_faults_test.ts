import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  type Hub,
  HubError,
} from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { MAX_ANSWER_LENGTH, PARTS_UNDER_WAY } from "../../hub/nodes/answer_parts.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { Tap } from "../hub/tap.ts";
import { turn } from "../hub/wires.ts";

const contract = defineContract({
  roles: { member: {} },
  serverToServer: { load: { input: z.object({}), output: z.any() } },
});

interface Side {
  readonly hub: Hub<(typeof contract)["definition"]>;
  readonly tap: Tap;
  readonly errors: string[];
}

/** One node that asks, and one that answers, with an adapter that carries little at once. */
async function pair(clock?: FakeClock): Promise<{ asker: Side; answerer: Side } & AsyncDisposable> {
  const bus = createMemoryBus();
  const sides = await Promise.all([0, 1].map(async (): Promise<Side> => {
    const tap = new Tap(createMemoryAdapter({ bus }), { maxMessageBytes: 2_000 });
    const errors: string[] = [];
    const hub = createHub(contract, {
      adapter: tap,
      transports: [createLoopbackTransport()],
      authenticate: ({ role }) => ({ role }),
      onError: (error, { stage, name }) => errors.push(`${stage} ${name} ${(error as Error).message}`),
      clock,
    });
    await hub.ready;
    return { hub, tap, errors };
  }));
  const [asker, answerer] = sides as [Side, Side];
  await waitFor(() => sides.every(({ hub }) => hub.cluster.nodes().length === 2), { what: "them to meet" });
  return {
    asker,
    answerer,
    async [Symbol.asyncDispose]() {
      for (const { hub } of sides) await hub.close();
    },
  };
}

const LONG = "x".repeat(20_000);
const partsOf = ({ tap }: Side) => tap.published.filter(({ data }) => String(data).includes('"part"')).length;
const idle = ({ hub }: Side) => waitFor(() => hub.stats().answering === 0, { what: "the answering to end" });
const why = async ({ hub }: Side) =>
  (await hub.requestServers("load", {})).missing.map(({ reason, code, message }) => [reason, code, message]);

/** Loses one message on its way out. */
function lose({ tap }: Side, is: (text: string) => boolean): void {
  const publish = tap.publish.bind(tap);
  tap.publish = (channel, data) => {
    if (is(String(data))) tap.publish = publish;
    else publish(channel, data);
  };
}

test("cluster: an answer that is too large even in parts is reported on both nodes", async () => {
  await using nodes = await pair();
  const { asker, answerer } = nodes;
  answerer.hub.onServer("load", () => "x".repeat(MAX_ANSWER_LENGTH));
  const [[reason, code, message]] = await why(asker) as [[string, string, string]];
  assertEquals([reason, code], ["too-large", "TOO_LARGE"]);
  assertMatch(message, /the limit between nodes is 33554432/);
  assertEquals(answerer.errors, [`handler load ${message}`]);
  assertEquals(partsOf(answerer), 0);
});

test("cluster: an answer that is not JSON, and an error that is too long to send, are reported on both nodes", async () => {
  await using nodes = await pair();
  const { asker, answerer } = nodes;
  const off = answerer.hub.onServer("load", () => 1n);
  const [[reason, code]] = await why(asker) as [[string, string]];
  assertEquals([reason, code, answerer.errors.length], ["failed", "BAD_REQUEST", 1]);
  off();
  answerer.hub.onServer("load", () => {
    throw new HubError("BROKEN", LONG);
  });
  assertEquals(await why(asker), [["failed", "BROKEN", LONG.slice(0, 512)]]);
  assertEquals(answerer.errors.length, 2);
});

test("cluster: an answer with a lost part is incomplete, and the answering node stops working on it", async () => {
  await using nodes = await pair();
  const { asker, answerer } = nodes;
  answerer.hub.onServer("load", () => LONG);
  lose(answerer, (text) => /"part",\d+,2,/.test(text));
  assertEquals(await why(asker), [["incomplete", "UNAVAILABLE", "Part 2 of its answer did not arrive"]]);
  await idle(answerer);
  assertEquals((await asker.hub.requestServers("load", {})).answers.get(answerer.hub.nodeId), LONG);
  assertEquals(asker.hub.stats().nodeRequests, 0);
});

test("cluster: an answer whose last part is lost ends with its timeout, and says how much has arrived", async () => {
  const clock = new FakeClock();
  await using nodes = await pair(clock);
  const { asker, answerer } = nodes;
  answerer.hub.onServer("load", () => LONG);
  let last = "";
  lose(answerer, (text) => {
    const isLast = /"part",\d+,(\d+),/.exec(text)?.[1] === "32";
    if (isLast) last = text;
    return isLast;
  });
  const asked = why(asker);
  await waitFor(() => last !== "", { what: "the last part" });
  await turn();
  clock.advance(5_000);
  const [[reason, , message]] = await asked as [[string, undefined, string]];
  assertEquals(reason, "timeout");
  assertMatch(message, /^Only \d+ of 20002 characters of its answer have arrived$/);
  await idle(answerer);
});

test("cluster: an asking node that gives up, leaves or falls silent gets no parts that it does not accept", async () => {
  const clock = new FakeClock();
  await using nodes = await pair(clock);
  const { asker, answerer } = nodes;
  answerer.hub.onServer("load", () => LONG);
  for (const end of ["gives up", "is silent", "leaves"]) {
    const before = partsOf(answerer);
    const aborter = new AbortController();
    const { tap } = asker;
    const publish = tap.publish.bind(tap);
    tap.publish = (channel, data) => String(data).includes('"more"') ? undefined : publish(channel, data);
    const asked = asker.hub.requestServers("load", {}, { signal: aborter.signal });
    asked.catch(() => {});
    await waitFor(() => partsOf(answerer) - before === PARTS_UNDER_WAY, { what: "the first parts" });
    for (let n = 0; n < 5; n++) await turn();
    assertEquals([partsOf(answerer) - before, answerer.hub.stats().answering], [PARTS_UNDER_WAY, 1]);
    if (end === "gives up") aborter.abort(new Error("enough"));
    else if (end === "leaves") await asker.hub.close();
    else clock.advance(30_000);
    await idle(answerer);
    assertEquals(partsOf(answerer) - before, PARTS_UNDER_WAY);
    tap.publish = publish;
  }
  assertEquals(answerer.errors, []);
});

test("cluster: parts without a question, or of absurd size, are refused and take no memory", async () => {
  await using nodes = await pair();
  const { asker, answerer } = nodes;
  const inject = (...message: unknown[]) =>
    asker.tap.inject(`node:${asker.hub.nodeId}`, JSON.stringify([message]), answerer.hub.nodeId);
  const said = () => asker.tap.publishedOn(`node:${answerer.hub.nodeId}`).map(({ data }) => data).join();
  inject("part", 999, 0, 10, "abc");
  await waitFor(() => said().includes('["cancel",999]'), { what: "it to be told to stop" });

  answerer.hub.onServer("load", () => new Promise(() => {}));
  const refused: readonly [message: unknown[], reason: string][] = [
    [[0, MAX_ANSWER_LENGTH + 1, "abc"], "too-large"],
    [[0, Number.MAX_SAFE_INTEGER, "abc"], "too-large"],
    [[0, 2, "abc"], "incomplete"],
    [[0, 10, ""], "incomplete"],
    [[1, 10, "abc"], "incomplete"],
    [[0, 3, "abc"], "invalid"], // no JSON
  ];
  for (const [part, reason] of refused) {
    const before = said().length;
    const asked = asker.hub.requestServers("load", {});
    const number = await waitFor(() => /"ask",(\d+)/.exec(said().slice(before))?.[1], {
      what: "the question",
    });
    inject("part", Number(number), ...part);
    const { missing } = await asked;
    assertEquals(missing.map(({ reason }) => reason), [reason]);
    assert(missing[0]!.message !== undefined);
  }
  assertEquals(asker.errors.length, 3); // too large twice, and no JSON
  for (const part of [[-1, 10, "abc"], [0, 10], [0, 1.5, "a"], ["0", 10, "a"]]) inject("part", 1, ...part);
  assertEquals(asker.errors.length, 4); // the first of those that are no messages
  const { backplane } = await (await asker.hub.routes.request("/health")).json();
  assertEquals(backplane.malformed, 4);
  assertEquals(asker.hub.stats().nodeRequests, 0);
});
