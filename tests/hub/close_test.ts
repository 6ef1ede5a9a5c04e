import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CLOSE_CODES,
  createClient,
  createEmitter,
  createMemoryAdapter,
  createMemoryBus,
  type DisconnectReason,
} from "@trunkline/hub";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, createNode, createNodes } from "./chat.ts";
import { AT_ONCE, createRig } from "./rig.ts";
import { microtasks, rawClient, turn } from "./wires.ts";

/** Each wrong option of a close, and its error. */
const WRONG: readonly (readonly [unknown, typeof TypeError | typeof RangeError, string])[] = [
  ...[0, 999, 1001, 1005, 1006, 1011, 2999, 5000, -1, NaN, Infinity, 4000.5].map((code) =>
    [
      { code },
      RangeError,
      `Cannot use ${code} as code of close: give a whole number from 3000 to 4999, or 1000`,
    ] as const
  ),
  [{ code: "4000" }, TypeError, "Cannot use this string as code of close"],
  [{ code: null }, TypeError, "Cannot use null as code of close"],
  [{ reason: 5 }, RangeError, "reason of close"],
  [
    { reason: "x".repeat(124) },
    TypeError,
    "Cannot use this string as reason of close: give a text of 123 bytes of UTF-8 at the most",
  ],
  [{ reason: "é".repeat(62) }, TypeError, "reason of close"],
  [{ reasn: "x" }, TypeError, 'Cannot use reasn of close: there is no such option, did you mean "reason"?'],
  [4000, TypeError, "Cannot use 4000 as the options of close: give an object of options"],
  ["bye", TypeError, "Cannot use this string as the options of close"],
  [null, TypeError, "Cannot use null as the options of close"],
];
const LONGEST = "é".repeat(61) + "x";

test("close takes a code that applications may use and a reason that fits a frame, wherever something is closed", async () => {
  await using two = await createNodes(2);
  const [a, b] = two.nodes;
  const ann = await a!.member("ann");
  const id = ann.connectionId!;
  for (const [options, Kind, message] of WRONG) {
    const wrong = options as never;
    const kind = message === "reason of close" && (options as { reason: unknown }).reason === 5
      ? TypeError
      : Kind;
    for (const { hub } of two.nodes) assertThrows(() => hub.connection(id).close(wrong), kind, message);
    await assertRejects(() => ann.close(wrong), kind, message);
    await assertRejects(() => a!.hub.close(wrong), kind, message);
  }
  await turn();
  assertEquals([ann.status, a!.errors, b!.errors], ["open", [], []]); // nothing was closed
});

test("the code and the reason of a close arrive, from this node and from another", async () => {
  await using two = await createNodes(2);
  const [a, b] = two.nodes;
  for (const node of [a!, b!]) {
    for (
      const [options, code, reason] of [
        [{ code: 4321, reason: LONGEST }, 4321, LONGEST],
        [{ code: 1000 }, 1000, "Disconnected by the application"],
        [{ code: undefined, reason: "Signed out" }, CLOSE_CODES.DISCONNECTED, "Signed out"],
        [undefined, CLOSE_CODES.DISCONNECTED, "Disconnected by the application"],
      ] as const
    ) {
      const raw = await rawClient(a!.loopback.client());
      node.hub.connection((raw.heard[0]![1] as { connection: string }).connection).close(options);
      await waitFor(() => raw.closed, { what: "the end" });
      assertEquals(raw.closed, { code, reason });
    }
  }
});

test("hub.cluster.disconnect and emitter.disconnect say why, on every node", async () => {
  await using two = await createNodes(2);
  const emitter = createEmitter(chat, { adapter: createMemoryAdapter({ bus: two.bus }) });
  await emitter.ready;
  const said = { code: 4600, reason: "Your plan has ended" };
  const sends = [
    () => two.nodes[0]!.hub.cluster.disconnect({ all: true }, { ...said, timeoutMs: 1_000 }),
    () => emitter.disconnect({ all: true }, said),
    () => two.nodes[0]!.hub.cluster.disconnect({ all: true }),
  ];
  for (const [i, send] of sends.entries()) {
    const raws = await Promise.all(two.nodes.map(({ loopback }) => rawClient(loopback.client())));
    const counted = await send();
    await waitFor(() => raws.every(({ closed }) => closed), { what: "the ends" });
    const usual = { code: 4505, reason: "Disconnected by the application" };
    for (const { closed } of raws) assertEquals(closed, i === 2 ? usual : said);
    if (i !== 1) assertEquals((counted as unknown as { count: number }).count, 2);
  }
  const { hub } = two.nodes[0]!;
  await assertRejects(
    () => hub.cluster.disconnect({ all: true }, { code: 5 }),
    RangeError,
    "code of disconnect",
  );
  assertThrows(() => emitter.disconnect({ all: true }, { code: 5 }), RangeError, "code of disconnect");
  await emitter.close();
});

test("the server gets the code with which a client closes, and a client that of a hub", async () => {
  const reasons: DisconnectReason[] = [];
  await using node = await createNode(undefined, { onDisconnect: (_, reason) => void reasons.push(reason) });
  const [ann, bob] = [await node.member("ann"), await node.member("bob")];
  await ann.close({ code: 3000, reason: "Left the page" });
  await ann.close({ code: 4000 }); // it is closed
  await bob.close();
  await waitFor(() => reasons.length === 2, { what: "the ends" });
  assertEquals(reasons, [{ code: 3000, reason: "Left the page" }, { code: 1000, reason: "" }]);
  const raw = await rawClient(node.loopback.client());
  await node.hub.close({ code: 4700, reason: "This service has ended" });
  assertEquals(raw.closed, { code: 4700, reason: "This service has ended" });
});

test("a client that is closed before it is open, and one while it waits, take the options too", async () => {
  await using node = await createNode();
  const line = node.loopback.client();
  line.refuse(true);
  const client = createClient(chat, {
    url: "ws://loopback",
    role: "member",
    transport: line,
    ...AT_ONCE,
    onError() {},
  });
  const { closed } = client;
  await client.close({ code: 4999, reason: "never mind" });
  assertEquals([client.status, await closed], ["closed", undefined]);
  assert(node.hub.stats().connections === 0);
});

test("a hub that is closed at any moment of its start leaves no timer behind", async () => {
  const left: unknown[] = [];
  for (let steps = 0; steps < 80; steps++) {
    const clock = new FakeClock();
    const { hub } = createRig(chat, {
      clock,
      adapter: createMemoryAdapter({ bus: createMemoryBus() }),
      history: "per-node",
    });
    await microtasks(steps);
    await hub.close();
    await turn();
    if (clock.pending > 0) left.push([steps, clock.pending]);
  }
  assertEquals(left, []);
});
