import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { HubError, pass, stage, type Untyped } from "./scene.ts";

const contract = {
  roles: {
    m: { clientToServer: { ping: { input: pass, output: pass } }, topics: { "t/:id": { payload: pass } } },
  },
};

/** A hub whose rule is a test's, by the topic's parameter. */
const ruled = (rules: Record<string, (asked: Untyped) => unknown>, options: Untyped = {}) =>
  stage(contract, {
    authorize: { "t/:id": (asked: Untyped) => rules[asked.params.id]!(asked) },
    ...options,
  });

test("authorize: only true allows; any other answer refuses, and is reported with the rule and its kind", async () => {
  const odd: Record<string, unknown> = {
    "a string": "no",
    "a number": 1,
    "an object": { allowed: false },
    "a list": [],
    "a function": () => true,
    null: null,
    undefined: undefined,
  };
  const rules = Object.fromEntries(
    Object.keys(odd).flatMap((kind) => [
      [kind, () => odd[kind]],
      [`later ${kind}`, () => Promise.resolve(odd[kind])],
    ]),
  );
  await using scene = await ruled({
    ...rules,
    yes: () => true,
    "yes later": () => Promise.resolve(true),
    no: () => false,
    "no later": () => Promise.resolve(false),
  });
  const peer = await scene.enter();
  let id = 0;
  for (const name of ["yes", "yes later"]) {
    peer.send(["sub", ++id, `t/${name}`]);
    await peer.hears("res", id);
  }
  for (const name of ["no", "no later"]) {
    peer.send(["sub", ++id, `t/${name}`]);
    assertEquals((await peer.hears("err", id))[2].code, "FORBIDDEN");
  }
  assertEquals(scene.errors, []);
  for (const kind of Object.keys(odd)) {
    for (const name of [kind, `later ${kind}`]) {
      peer.send(["sub", ++id, `t/${name}`]);
      assertEquals((await peer.hears("err", id))[2].code, "FORBIDDEN", name);
      const [{ error, info }] = scene.errors.splice(0) as [Untyped];
      assert(error.message.includes(`"t/:id"`) && error.message.includes(kind), error.message);
      assertEquals([info.stage, info.name], ["handler", `t/${name}`]);
    }
  }
  assertEquals(scene.hub.stats().subscriptions, 2);
});

test("authorize: a rule that throws refuses; a HubError reaches the client, anything else is reported", async () => {
  await using scene = await ruled({
    known: () => {
      throw new HubError("PAY_FIRST", "Pay first");
    },
    later: () => Promise.reject(new HubError("PAY_FIRST", "Pay first")),
    broken: () => {
      throw new Error("the database said something secret");
    },
    "broken later": () => Promise.reject(new Error("the database said something secret")),
  });
  const peer = await scene.enter();
  peer.send(["sub", 1, "t/known"], ["sub", 2, "t/later"], ["sub", 3, "t/broken"], [
    "sub",
    4,
    "t/broken later",
  ]);
  for (const id of [1, 2]) assertEquals((await peer.hears("err", id))[2].code, "PAY_FIRST");
  assertEquals(scene.errors.length <= 2, true);
  for (const id of [3, 4]) assertEquals((await peer.hears("err", id))[2].code, "INTERNAL");
  assertEquals(scene.errors.map(({ info }) => info.name), ["t/broken", "t/broken later"]);
  assert(!JSON.stringify(peer.heard).includes("secret"));
});

test("authorize: a rule that never answers ends at a deadline, gets an abort signal, and is reported", async () => {
  const clock = new FakeClock();
  const signals: AbortSignal[] = [];
  await using scene = await ruled({
    never: ({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    },
  }, { clock, authorizeTimeoutMs: 300 });
  const peer = await scene.enter();
  peer.send(["sub", 1, "t/never"]);
  await waitFor(() => signals.length === 1, { what: "the rule to be asked" });
  clock.advance(299);
  assert(!signals[0]!.aborted);
  clock.advance(1);
  assertEquals((await peer.hears("err", 1))[2].code, "TIMEOUT");
  assert(signals[0]!.aborted);
  const [{ error }] = scene.errors as [Untyped];
  assert(error.message.includes("t/:id") && error.message.includes("300 ms"), error.message);
  assertEquals(scene.hub.stats().subscriptions, 0);
});

test("authorize: a client that unsubscribes or leaves while the rule decides is not subscribed, and the rule learns of it", async () => {
  const asked: { signal: AbortSignal; answer(allowed: boolean): void }[] = [];
  await using scene = await ruled({
    slow: ({ signal }) => new Promise((answer) => asked.push({ signal, answer })),
  });
  const [one, two] = [await scene.enter(), await scene.enter()];
  one.send(["sub", 1, "t/slow"], ["unsub", "t/slow"], ["sub", 2, "t/slow"]);
  two.send(["sub", 1, "t/slow"]);
  await waitFor(() => asked.length === 3, { what: "three questions" });
  assertEquals(asked.map(({ signal }) => signal.aborted), [true, false, false]);
  two.leave();
  await waitFor(() => asked[2]!.signal.aborted, { what: "the rule to hear that the client left" });
  asked[0]!.answer(true);
  assertEquals((await one.hears("err", 1))[2].code, "DISCONNECTED");
  asked[1]!.answer(true);
  await one.hears("res", 2);
  asked[2]!.answer(true);
  assertEquals([scene.hub.stats().subscriptions, scene.errors], [1, []]);
});

test("authorize: a rule that changes its parameters decides nothing for the next client", async () => {
  const asked: unknown[] = [];
  await using scene = await stage(contract, {
    authorize: {
      "t/:id": ({ params }: Untyped) => {
        asked.push(params.id);
        params.id = "changed";
        return true;
      },
    },
  });
  for (let i = 0; i < 2; i++) {
    const peer = await scene.enter();
    peer.send(["sub", 1, "t/same"]);
    await peer.hears("res", 1);
  }
  assertEquals(asked, ["same", "same"]);
});
