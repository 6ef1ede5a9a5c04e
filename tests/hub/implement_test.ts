import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createClient, defineContract, HubError } from "@trunkline/hub";
import { z } from "zod";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { AT_ONCE, createRig, type Rig } from "./rig.ts";
import { codeOf, rejection, turn } from "./wires.ts";

const contract = defineContract({
  shared: { clientToServer: { ping: { input: z.string(), output: z.string() } } },
  roles: {
    member: {
      clientToServer: {
        join: { input: z.string(), output: z.string() },
        say: { input: z.string(), output: z.string() },
        typing: { payload: z.string() },
      },
    },
    admin: { clientToServer: { ban: { input: z.string(), output: z.string() } } },
    guest: {},
  },
});
type Given = Rig<(typeof contract)["definition"]>;

const ping = (text: string) => `ping ${text}`;
const join = (text: string) => `join ${text}`;
const say = (text: string) => `say ${text}`;
const ban = (text: string) => `ban ${text}`;
const typing = () => {};
const part = { part: true } as const;

function connect<R extends "member" | "admin">({ loopback }: Given, role: R) {
  return createClient(contract, {
    url: "ws://loopback",
    role,
    transport: loopback.client(),
    ...AT_ONCE,
    onError: () => {},
  });
}

/** Whether clients were answered 503. */
function isRefused({ hub }: Given): boolean {
  const { starting, closing } = hub.stats().refused;
  return starting + closing > 0;
}

test("handlers of several calls add up, for one role and for all", async () => {
  const rig = createRig(contract);
  const { hub } = rig;
  hub.implement({ member: { join } }, part);
  hub.implement({ shared: { ping }, member: { say } }, part);
  hub.implement({}, part);
  hub.implement({ member: { typing }, admin: { ban } }, part);
  await hub.ready;
  await using member = connect(rig, "member");
  await using admin = connect(rig, "admin");
  const answers = [
    member.request("join", "a"),
    member.request("say", "b"),
    member.request("ping", "c"),
    admin.request("ping", "d"),
    admin.request("ban", "e"),
  ];
  assertEquals(await Promise.all(answers), ["join a", "say b", "ping c", "ping d", "ban e"]);
  assertEquals(rig.errors, []);
  await hub.close();
});

test("a handler that is given twice is named, and nothing of that call is taken", async () => {
  const rig = createRig(contract);
  const { hub } = rig;
  hub.implement({ shared: { ping }, member: { join } }, part);
  const twice = { member: { say, join: () => "another" } };
  assertThrows(
    () => hub.implement(twice, part),
    TypeError,
    'Cannot implement "join" of "member" twice: it has a handler already',
  );
  assertThrows(() => hub.implement({ shared: { ping } }, part), TypeError, '"ping" of "shared" twice');
  hub.implement({ member: { say, typing }, admin: { ban } }, part);
  await hub.ready;
  await using member = connect(rig, "member");
  assertEquals(await member.request("join", "a"), "join a");
  await hub.close();
});

test("handlers that are missing are named by ready, all of them, and clients come when they are there", async () => {
  const rig = createRig(contract);
  const { hub, errors } = rig;
  hub.implement({ member: { join } }, part);
  const error = await rejection(hub.ready);
  assertEquals(
    [error instanceof TypeError, error.message],
    [
      true,
      "Handlers are missing for shared.ping, member.say, member.typing, admin.ban: give them to hub.implement before you " +
      "wait for hub.ready; until then clients are answered 503",
    ],
  );
  const health = await hub.routes.fetch(new Request("http://hub/health"));
  const { status, missing } = await health.json() as { status: string; missing: string[] };
  assertEquals([health.status, status, missing], [503, "starting", [
    "shared.ping",
    "member.say",
    "member.typing",
    "admin.ban",
  ]]);
  await using member = connect(rig, "member");
  await waitFor(() => isRefused(rig), { what: "a client to be refused" });
  assertEquals(member.status, "connecting");
  hub.implement({ shared: { ping }, member: { say } }, part);
  hub.implement({ member: { typing }, admin: { ban } }, part);
  await member.ready;
  await hub.ready;
  assertEquals(await member.request("say", "a"), "say a");
  assertEquals(errors, []);
  await hub.close();
});

test("parts that come one after the other are no fault, as long as all are there when ready is asked for", async () => {
  for (const startWithoutBackplane of [false, true]) {
    const { hub, errors } = createRig(contract, { startWithoutBackplane });
    hub.implement({ shared: { ping } }, part);
    await turn(); // the hub has started meanwhile
    hub.implement({ member: { join, say, typing } }, part);
    await turn();
    await assertRejects(() => hub.ready, TypeError, "missing for admin.ban:");
    hub.implement({ admin: { ban } }, part);
    await hub.ready;
    assertEquals(errors, []);
    await hub.close();
  }
});

test("handlers that stay missing are reported to onError, once, if no code reads ready", async () => {
  for (const startWithoutBackplane of [false, true]) {
    const clock = new FakeClock();
    const { hub, errors } = createRig(contract, { clock, startWithoutBackplane });
    hub.implement({ shared: { ping }, member: { join } }, part);
    await turn();
    clock.advance(9_999);
    hub.implement({ admin: { ban } }, part);
    assertEquals(errors, []);
    clock.advance(1);
    clock.advance(60_000);
    assertEquals(
      errors.map((
        { error, info },
      ) => [(error as Error).message.includes("member.say, member.typing:"), info]),
      [
        [true, { stage: "open" }],
      ],
    );
    await hub.close();
  }
});

test("a hub that serves from the start reports missing handlers by ready, and answers clients that request one", async () => {
  const rig = createRig(contract, { startWithoutBackplane: true });
  const { hub, errors } = rig;
  hub.implement({ member: { join } }, part);
  await assertRejects(() => hub.ready, TypeError, "shared.ping, member.say, member.typing, admin.ban");
  assertEquals(errors, []);
  await using member = connect(rig, "member");
  assertEquals(await member.request("join", "a"), "join a");
  assertEquals(await codeOf(() => member.request("say", "a")), "UNAVAILABLE");
  hub.implement({ member: { say } }, part);
  assertEquals(await member.request("say", "a"), "say a");
  await hub.close();
});

test("parts that are complete are ready on a hub that serves from the start", async () => {
  const { hub, errors } = createRig(contract, { startWithoutBackplane: true });
  hub.implement({ shared: { ping }, member: { join, say, typing } }, part);
  hub.implement({ admin: { ban } }, part);
  await hub.ready;
  assertEquals(errors, []);
  await hub.close();
});

test("a hub without any handler serves: it may need no messages of clients", async () => {
  const rig = createRig(contract);
  await rig.hub.ready;
  await using member = connect(rig, "member");
  const refusal = await rejection(member.request("say", "a"));
  assertEquals([refusal instanceof HubError, refusal.code], [true, "UNAVAILABLE"]);
  rig.hub.implement({ member: { say } }, part);
  assertEquals(await member.request("say", "a"), "say a");
  assertEquals(await codeOf(() => member.request("join", "a")), "UNAVAILABLE");
  await rig.hub.close();
});

test("a call of implement with all handlers that forgets some names them, and says what to do", async () => {
  const { hub } = createRig(contract);
  const some = { shared: { ping }, member: { say } };
  assertThrows(
    () => hub.implement(some as never),
    TypeError,
    "Cannot implement the contract without handlers for member.join, member.typing, admin.ban: give them in the same " +
      "call, or give { part: true } in each of several calls",
  );
  hub.implement(some, part);
  hub.implement({ member: { join, typing }, admin: { ban } } as never); // the rest is all that is missing
  await hub.close();
});

test("handlers that are methods of a class are refused with the reason, also in parts", async () => {
  const { hub } = createRig(contract);
  class Admin {
    ban(text: string) {
      return text;
    }
  }
  const message =
    "Cannot use this object as admin of implement: give a plain object, because what an object " +
    "inherits, such as methods of a class, is not read";
  for (const admin of [new Admin(), new (class extends Admin {})(), Object.create({ ban })]) {
    assertThrows(
      () => hub.implement({ shared: { ping }, member: { join, say, typing }, admin }),
      TypeError,
      message,
    );
    assertThrows(() => hub.implement({ admin }, part), TypeError, message);
  }
  const all = Object.create({ admin: { ban } }, {
    member: { value: { join, say, typing }, enumerable: true },
  });
  assertThrows(
    () => hub.implement(all, part),
    TypeError,
    "Cannot use this object as the handlers of implement: give a",
  );
  class Own {
    readonly ban = ban;
  }
  hub.implement({ shared: { ping }, member: { join, say, typing }, admin: new Own() });
  await hub.close();
});

test("a hub that waits for handlers closes, and does not begin to serve after it", async () => {
  const rig = createRig(contract);
  const { hub, errors } = rig;
  hub.implement({ member: { join } }, part);
  await assertRejects(() => hub.ready, TypeError, "missing");
  await hub.close();
  hub.implement({ shared: { ping }, member: { say, typing }, admin: { ban } }, part);
  const member = connect(rig, "member");
  await waitFor(() => isRefused(rig), { what: "a client to be refused" });
  assertEquals([member.status, errors.length], ["connecting", 0]);
  await member.close();
});

test("options of implement that are wrong, and handlers that are none, are refused by name", async () => {
  const { hub } = createRig(contract);
  const cases: [unknown, unknown, string][] = [
    [{}, { part: 1 }, "Cannot use 1 as part of implement: give true or false"],
    [{}, { parts: true }, 'Cannot use parts of implement: there is no such option, did you mean "part"?'],
    [{}, true, "Cannot use true as the options of implement"],
    [{ member: { say: undefined } }, part, "Cannot do without member.say of implement: give a function"],
    [{ member: { say: "x" } }, part, "Cannot use this string as member.say of implement: give a function"],
    [
      { member: { sya: say } },
      part,
      'Cannot implement "sya" of "member": the contract has none, did you mean "say"?',
    ],
    [{ member: { ping } }, part, 'Cannot implement "ping" of "member"'],
    [{ guest: { ping } }, part, 'Cannot implement "ping" of "guest"'],
  ];
  for (const [handlers, options, message] of cases) {
    assertThrows(() => hub.implement(handlers as never, options as never), TypeError, message);
  }
  hub.implement({ member: undefined, shared: { ping } } as never, part);
  assertThrows(() => hub.implement({}, { part: undefined }), TypeError, "without handlers");
  await hub.close();
});

test("a hub that was given no handler at all says so at the first call, once, and takes them later", async () => {
  const rig = createRig(contract);
  const { hub, errors } = rig;
  await hub.ready;
  await using member = connect(rig, "member");
  await member.ready;
  assertEquals(errors, []); // the handlers may come after `ready`
  assertEquals(await codeOf(() => member.request("join", "a")), "UNAVAILABLE");
  assertEquals(await codeOf(() => member.request("say", "b")), "UNAVAILABLE");
  member.signal("typing", "c");
  await turn();
  assertEquals(errors.map(({ error, info }) => [(error as Error).message, info.stage, info.name]), [[
    'Cannot answer "join": hub.implement was never called, so every request and signal gets UNAVAILABLE. Call it, or import ' +
    "the module that does",
    "handler",
    "join",
  ]]);
  hub.implement({ shared: { ping }, member: { join, say, typing }, admin: { ban } });
  assertEquals(await member.request("join", "d"), "join d");
  assertEquals(errors.length, 1);
  await hub.close();
});

test("handlers that come after ready, but before the first call, are no fault", async () => {
  const rig = createRig(contract);
  await rig.hub.ready;
  rig.hub.implement({ shared: { ping }, member: { join, say, typing }, admin: { ban } });
  await using member = connect(rig, "member");
  assertEquals(await member.request("say", "a"), "say a");
  assertEquals(rig.errors, []);
  await rig.hub.close();
});
