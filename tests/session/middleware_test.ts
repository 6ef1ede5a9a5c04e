import { assertEquals, assertThrows } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { microtasks } from "../hub/wires.ts";
import { HubError, pass, type Scene, schema, stage, type Untyped } from "./scene.ts";

/** Doubles numbers, and refuses what is none. */
const double = schema((value) =>
  typeof value === "number" ? { value: value * 2 } : { issues: [{ message: "no number" }] }
);

const definition = {
  roles: {
    m: {
      clientToServer: {
        ask: { input: double, output: pass },
        tell: { payload: double },
      },
      topics: { "log/:name": { payload: pass } },
    },
  },
};

/** A hub whose handlers write down what they are given. */
async function open(options: Untyped = {}): Promise<Scene & { readonly done: unknown[] }> {
  const scene = await stage(definition, options);
  const done: unknown[] = [];
  scene.hub.implement({
    m: {
      ask: (input: number) => {
        done.push(["ask", input]);
        if (input === 0) throw new HubError("ZERO", "Cannot take 0");
        return input + 1;
      },
      tell: (input: number) => void done.push(["tell", input]),
    },
  });
  return Object.assign(scene, { done });
}

const lost = (kind: string, name: string) =>
  `A function of hub.use has ended without next() for the ${kind} "${name}", which is lost: call next(), or throw the ` +
  "error that the client should get";

test("functions run around requests, signals and subscriptions, in the order of use, and know the call", async () => {
  await using scene = await open({ authorize: { "log/:name": () => (scene.done.push("rule"), true) } });
  const { hub, done } = scene;
  const keys: string[] = [];
  hub.use(async (call: Untyped, next: Untyped) => {
    const { conn, kind, name, role, input, topic, params, signal, id } = call;
    keys.push(Object.keys(call).join());
    done.push([
      "in",
      kind,
      name,
      role,
      conn.id === call.conn.id,
      topic ?? input,
      params?.name,
      signal.aborted,
      id,
    ]);
    done.push(["out", kind, await next()]);
  });
  hub.use(async function second(_: Untyped, next: Untyped) {
    done.push("second in");
    const output = await next();
    done.push("second out");
    return output;
  });
  const peer = await scene.enter();
  peer.send(["req", 1, "ask", 4]);
  assertEquals(await peer.hears("res", 1), ["res", 1, 9]);
  assertEquals(done.splice(0), [
    ["in", "request", "ask", "m", true, 8, undefined, false, undefined],
    "second in",
    ["ask", 8],
    "second out",
    ["out", "request", 9],
  ]);
  peer.send(["sig", "tell", 5]);
  await waitFor(() => done.length === 5, { what: "the signal to be over" });
  assertEquals(done.splice(0), [
    ["in", "signal", "tell", "m", true, 10, undefined, false, undefined],
    "second in",
    ["tell", 10],
    "second out",
    ["out", "signal", undefined],
  ]);
  peer.send(["sub", 2, "log/a"]);
  await peer.hears("res", 2);
  assertEquals(done.splice(0), [
    ["in", "subscription", "log/:name", "m", true, "log/a", "a", false, undefined],
    "second in",
    "rule",
    "second out",
    ["out", "subscription", undefined],
  ]);
  assertEquals(keys, [
    "kind,name,role,conn,input,id,signal",
    "kind,name,role,conn,input,signal",
    "kind,name,topic,params,role,conn,signal",
  ]);
  peer.send(["req", 3, "once", "no number"], ["req", 4, "ask", "no number"], ["sub", 5, "nowhere"]);
  for (const id of [3, 4, 5]) await peer.hears("err", id);
  assertEquals([done, scene.errors], [[], []]); // what is not asked for rightly never comes so far
});

test("an error of a function refuses the call, before and after next, like an error of a handler", async () => {
  for (const when of ["before", "after"]) {
    await using scene = await open();
    let error: Error = new HubError("PLAN", "Cannot do this with your plan", { data: { plan: "free" } });
    scene.hub.use(async (_: Untyped, next: Untyped) => {
      if (when === "after") await next();
      throw error;
    });
    const peer = await scene.enter();
    peer.send(["req", 1, "ask", 1], ["sig", "tell", 1], ["sub", 2, "log/a"]);
    const wire = { code: "PLAN", message: "Cannot do this with your plan", data: { plan: "free" } };
    assertEquals(await peer.hears("err", 1), ["err", 1, wire]);
    assertEquals(await peer.hears("err", 2), ["err", 2, wire]);
    assertEquals(await peer.hears("fault"), ["fault", wire, "tell"]);
    assertEquals(scene.done.length, when === "after" ? 2 : 0);
    assertEquals(scene.errors.map(({ info }) => info.name), ["tell"]); // as of a signal's handler
    assertEquals(scene.hub.stats().subscriptions, 0);
    error = new Error("the password is hunter2");
    peer.send(["req", 3, "ask", 1], ["sub", 4, "log/a"]);
    for (const id of [3, 4]) assertEquals((await peer.hears("err", id))[2].code, "INTERNAL");
    assertEquals(
      scene.errors.slice(1).map(({ error: told, info }) => [told === error, info.stage, info.name]),
      [
        [true, "handler", "ask"],
        [true, "handler", "log/a"],
      ],
    );
  }
});

test("the result of the handler stands, even if a function catches its error or returns another value", async () => {
  await using scene = await open({ authorize: { "log/:name": () => false } });
  const caught: string[] = [];
  scene.hub.use(async (_: Untyped, next: Untyped) => {
    try {
      await next();
    } catch (error) {
      caught.push((error as HubError).code);
    }
    return "another answer";
  });
  const peer = await scene.enter();
  peer.send(["req", 1, "ask", 0], ["req", 2, "ask", 1], ["sub", 3, "log/a"]);
  assertEquals((await peer.hears("err", 1))[2].code, "ZERO");
  assertEquals(await peer.hears("res", 2), ["res", 2, 3]);
  assertEquals((await peer.hears("err", 3))[2].code, "FORBIDDEN");
  assertEquals([caught.sort(), scene.errors], [["FORBIDDEN", "ZERO"], []]);
});

test("a function that ends without next loses no call silently: the client gets an error, and the hub reports it once", async () => {
  for (
    const forgetful of [
      () => {},
      async () => {},
      (_: Untyped, next: Untyped) => void setTimeout(next),
    ] as Untyped[]
  ) {
    await using scene = await open();
    scene.hub.use((call: Untyped, next: Untyped) => forgetful(call, next));
    const peer = await scene.enter();
    peer.send(["req", 1, "ask", 1], ["sig", "tell", 1], ["sub", 2, "log/a"]);
    assertEquals((await peer.hears("err", 1))[2].code, "INTERNAL");
    assertEquals((await peer.hears("err", 2))[2].code, "INTERNAL");
    assertEquals((await peer.hears("fault"))[2], "tell");
    await new Promise((resolve) => setTimeout(resolve, 1)); // after the function that calls next late
    assertEquals(scene.errors.map(({ error }) => error.message).sort(), [
      lost("request", "ask"),
      lost("signal", "tell"),
      lost("subscription", "log/:name"),
    ]);
    assertEquals([scene.done, scene.hub.stats().handling], [[], 0]);
  }
});

test("a function that calls next twice gets an error, and the handler runs once", async () => {
  await using scene = await open();
  const refused: string[] = [];
  scene.hub.use(function twice(_: Untyped, next: Untyped) {
    next();
    next().catch((error: Error) => refused.push(error.message));
  });
  const peer = await scene.enter();
  peer.send(["req", 1, "ask", 1]);
  assertEquals((await peer.hears("err", 1))[2].code, "INTERNAL");
  const text = 'A function of hub.use (twice) has called next() twice for the request "ask"';
  assertEquals([scene.done, refused, scene.errors.map(({ error }) => error.message)], [[["ask", 2]], [text], [
    text,
  ]]);
});

test("a function that calls next again after the call is over gets an error, and the answer stands", async () => {
  await using scene = await open();
  let again = () => {};
  scene.hub.use(async (_: Untyped, next: Untyped) => {
    again = next;
    await next();
  });
  const peer = await scene.enter();
  peer.send(["req", 1, "ask", 1]);
  assertEquals(await peer.hears("res", 1), ["res", 1, 3]);
  again();
  await microtasks();
  assertEquals([scene.done.length, scene.errors.map(({ error }) => error.message)], [1, [
    'A function of hub.use has called next() twice for the request "ask"',
  ]]);
});

test("an error of a handler after a function has refused its call is reported", async () => {
  await using scene = await stage(definition);
  const { promise, reject } = Promise.withResolvers<void>();
  scene.hub.implement({ m: { ask: () => promise, tell: () => {} } });
  scene.hub.use((_: Untyped, next: Untyped) => {
    next();
    throw new HubError("NO", "Not this one");
  });
  const peer = await scene.enter();
  peer.send(["req", 1, "ask", 1]);
  assertEquals((await peer.hears("err", 1))[2].code, "NO");
  const failure = new Error("too late");
  reject(failure);
  await waitFor(() => scene.errors.length === 1, { what: "the report" });
  assertEquals([scene.errors[0]!.error === failure, scene.errors[0]!.info.name], [true, "ask"]);
});

test("requests and signals reach their handlers in order, however long the functions around them take", async () => {
  await using scene = await open();
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  let calls = 0;
  scene.hub.use(async (_: Untyped, next: Untyped) => {
    await gates[calls++]?.promise;
    await next();
  });
  const peer = await scene.enter();
  peer.send(["req", 1, "ask", 1], ["sig", "tell", 2], ["once", 2, "ask", "a key of its own", 3], [
    "sig",
    "tell",
    4,
  ], ["req", 3, "ask", 5]);
  for (const gate of gates.toReversed()) gate.resolve();
  await peer.hears("res", 3);
  assertEquals(scene.done, [["ask", 2], ["tell", 4], ["ask", 6], ["tell", 8], ["ask", 10]]);
});

test("as many requests as the limits allow wait for each other, and all are answered", async () => {
  const count = 150_000; // with more than 125,000 arguments, a call of a function fails
  const limits = {
    maxPendingRequests: Infinity,
    maxPendingBytes: Infinity,
    messagesPerSecond: Infinity,
    maxFrameBytes: 2 ** 24,
    outbox: { maxMessages: Infinity, maxBytes: Infinity },
  };
  await using scene = await open({ limits });
  scene.hub.use(async (_: Untyped, next: Untyped) => {
    await microtasks(1);
    await next();
  });
  const peer = await scene.enter();
  for (let sent = 0; sent < count; sent += 50_000) {
    peer.send(...Array.from({ length: 50_000 }, (_, i) => ["req", sent + i + 1, "ask", 1]));
  }
  await peer.hears("res", count);
  assertEquals(scene.done.length, count);
});

test("a function that never calls next refuses its call in time, and does not delay others after that", async () => {
  const clock = new FakeClock();
  await using scene = await open({ clock, authorizeTimeoutMs: 1_000 });
  const late: (() => Promise<unknown>)[] = [];
  let hang = true;
  scene.hub.use((_: Untyped, next: Untyped) => {
    if (!hang) return next();
    late.push(next);
    return new Promise(() => {});
  });
  const peer = await scene.enter();
  peer.send(["req", 1, "ask", 1], ["sub", 2, "log/a"], ["req", 3, "ask", 3]);
  await microtasks();
  assertEquals([late.length, scene.done], [1, []]); // what follows waits
  hang = false;
  clock.advance(1_000);
  assertEquals((await peer.hears("err", 1))[2], {
    code: "TIMEOUT",
    message: 'Cannot use "ask": not decided within 1000 ms',
  });
  await peer.hears("res", 2);
  await peer.hears("res", 3);
  hang = true;
  peer.send(["sub", 4, "log/b"], ["sig", "tell", 1], ["once", 5, "ask", "a key of its own", 5]);
  await microtasks();
  clock.advance(1_000);
  assertEquals((await peer.hears("fault"))[1].code, "TIMEOUT");
  assertEquals((await peer.hears("err", 4))[2].code, "TIMEOUT");
  await microtasks();
  clock.advance(1_000);
  assertEquals((await peer.hears("err", 5))[2].code, "TIMEOUT");
  assertEquals(scene.errors.map(({ error }) => error.code).filter((code) => code === "TIMEOUT").length, 4); // once each
  const refusals = await Promise.all(late.map((next) => next().catch((error) => error.code)));
  assertEquals(refusals.filter((code) => code === "TIMEOUT").length, 3); // the handlers' ways are closed
  assertEquals(scene.done, [["ask", 6]]);
  peer.leave();
  await waitFor(() => scene.hub.stats().connections === 0, { what: "the client to be gone" });
  assertEquals(scene.hub.stats().handling, 0);
});

test("a cancelled request is not done, nor one of a client that is gone", async () => {
  const clock = new FakeClock();
  await using scene = await open({ clock });
  const idle = clock.pending;
  const { promise, resolve } = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  scene.hub.use(async ({ signal, input }: Untyped, next: Untyped) => {
    signals.push(signal);
    if (input < 5) await promise;
    await next();
  });
  const peer = await scene.enter();
  peer.send(["req", 1, "ask", 1], ["req", 2, "ask", 9]);
  await microtasks();
  peer.send(["cancel", 1]);
  assertEquals(await peer.hears("res", 2), ["res", 2, 19]);
  peer.send(["req", 3, "ask", 2]);
  await microtasks();
  peer.leave();
  await waitFor(() => scene.hub.stats().connections === 0, { what: "the client to be gone" });
  assertEquals(signals.map(({ aborted }) => aborted), [true, false, true]);
  resolve();
  await microtasks();
  assertEquals([scene.done, scene.errors, clock.pending, scene.hub.stats().handling], [
    [["ask", 18]],
    [],
    idle,
    0,
  ]);
});

test("a request that is done once runs the functions once, and its answer is given again without them", async () => {
  await using scene = await open();
  let calls = 0;
  scene.hub.use(async ({ id }: Untyped, next: Untyped) => {
    calls++;
    assertEquals(id, "a key of its own");
    await next();
  });
  const peer = await scene.enter();
  peer.send(["once", 1, "ask", "a key of its own", 1], ["once", 2, "ask", "a key of its own", 1]);
  assertEquals(await peer.hears("res", 1), ["res", 1, 3]);
  assertEquals(await peer.hears("res", 2), ["res", 2, 3]);
  assertEquals([calls, scene.done], [1, [["ask", 2]]]);
});

test("a subscription that a function has accepted and then refused does not exist, nor one that was cancelled meanwhile", async () => {
  await using scene = await open();
  const { promise, resolve } = Promise.withResolvers<void>();
  scene.hub.use(async ({ params }: Untyped, next: Untyped) => {
    const { name } = params;
    params.name = "another"; // it is the function's own copy
    await promise;
    await next();
    if (name === "b") throw new HubError("NO", "Not b");
  });
  const peer = await scene.enter();
  peer.send(["sub", 1, "log/a"], ["sub", 2, "log/b"], ["sub", 3, "log/c"]);
  peer.send(["unsub", "log/a"]);
  resolve();
  assertEquals((await peer.hears("err", 2))[2].code, "NO");
  assertEquals((await peer.hears("err", 1))[2].code, "DISCONNECTED");
  await peer.hears("res", 3);
  assertEquals(scene.hub.stats().subscriptions, 1);
});

test("use accepts only a function, which applies to later calls", async () => {
  await using scene = await open();
  for (const wrong of [undefined, null, {}, "log"]) {
    assertThrows(() => scene.hub.use(wrong), TypeError, "of use");
  }
  const peer = await scene.enter();
  const { promise, resolve } = Promise.withResolvers<void>();
  scene.hub.use(async (_: Untyped, next: Untyped) => {
    await promise;
    await next();
  });
  peer.send(["req", 1, "ask", 1]);
  await microtasks();
  scene.hub.use(() => {
    throw new HubError("NO", "Nothing more");
  });
  resolve();
  assertEquals(await peer.hears("res", 1), ["res", 1, 3]);
  peer.send(["req", 2, "ask", 1]);
  assertEquals((await peer.hears("err", 2))[2].code, "NO");
});
