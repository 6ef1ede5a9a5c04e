import { assert, assertEquals } from "@std/assert";
import { createClient, defineContract, HubError } from "@trunkline/hub";
import {
  callSafely,
  isHubError,
  kindOf,
  parse,
  parseNow,
  promiseOf,
  toWireError,
} from "@trunkline/hub/contract";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { test, waitFor } from "../harness.ts";
import { pass, schema, stage, type Untyped } from "./scene.ts";

const failure = new Error("the query was not awaited in a transaction");

/** Results of application code that are no plain values: by name, with the outcome for the waiting caller. */
function oddAnswers(): Record<
  string,
  { readonly make: () => unknown; readonly ends: "value" | "error" | "never" }
> {
  const itself: Untyped = { then: (resolve: (value: unknown) => void) => resolve(itself) };
  const evil = {
    get then(): never {
      throw failure;
    },
  };
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  class Sub<T> extends Promise<T> {}
  return {
    "a getter of then that throws": { make: () => evil, ends: "error" },
    "a revoked proxy": { make: () => proxy, ends: "error" },
    "a thenable that resolves twice": {
      make: (): unknown => ({ then: (resolve: Untyped) => (resolve("value"), resolve("again")) }),
      ends: "value",
    },
    "a thenable that resolves, then rejects, then throws": {
      make: (): unknown => ({
        then(resolve: Untyped, reject: Untyped) {
          resolve("value");
          reject(failure);
          throw failure;
        },
      }),
      ends: "value",
    },
    "a thenable that throws": {
      make: (): unknown => ({
        then() {
          throw failure;
        },
      }),
      ends: "error",
    },
    "a thenable that never ends": { make: (): unknown => ({ then() {} }), ends: "never" },
    "a thenable that resolves with itself": { make: () => itself, ends: "error" },
    "a thenable that resolves with new ones without end": {
      make: (): unknown => ({
        then: function then(resolve: Untyped) {
          resolve({ then });
        },
      }),
      ends: "error",
    },
    "a thenable that leads to a getter that throws": {
      make: (): unknown => ({ then: (resolve: Untyped) => resolve(evil) }),
      ends: "error",
    },
    "a promise that rejects with null": { make: () => Promise.reject(null), ends: "error" },
    "a promise of a subclass": { make: () => Sub.resolve("value"), ends: "value" },
    "what only looks like a promise": { make: () => Object.create(Promise.prototype), ends: "error" },
    "a function with a then": {
      make: () => Object.assign(() => {}, { then: (r: Untyped) => r("value") }),
      ends: "value",
    },
  };
}

/** Values that may be thrown. */
const oddErrors: Record<string, unknown> = {
  null: null,
  undefined: undefined,
  "a text": "boom",
  "an object whose message throws": {
    get message(): never {
      throw failure;
    },
  },
  "a HubError whose code throws": Object.defineProperty(new HubError("X"), "code", {
    get() {
      throw failure;
    },
  }),
  "a HubError whose data throws": Object.defineProperty(new HubError("X"), "data", {
    get() {
      throw failure;
    },
  }),
  "a HubError whose code is a number": Object.assign(new HubError("X"), { code: 7 }),
  "a proxy that throws at everything": new Proxy({}, {
    get() {
      throw failure;
    },
    getPrototypeOf() {
      throw failure;
    },
  }),
};

test("user code: every result becomes a plain value, or a promise that settles once", async () => {
  for (const [what, { make, ends }] of Object.entries(oddAnswers())) {
    const settled = Promise.try(() => promiseOf(make()) ?? "no promise").then(
      (value) => value === "value" ? "value" : `strange: ${value}`,
      () => "error",
    );
    if (ends === "never") continue;
    assertEquals(await settled, ends, what);
  }
  for (const value of [undefined, null, 0, "then", {}, { then: 5 }, Symbol("s"), () => {}]) {
    assertEquals(promiseOf(value), undefined);
  }
});

test("user code: a call without a waiting caller reports its errors, immediate or later, and throws nothing", async () => {
  const heard: unknown[] = [];
  for (const { make } of Object.values(oddAnswers())) callSafely(make, (error) => heard.push(error));
  const failing = Object.values(oddAnswers()).filter(({ ends }) => ends === "error").length;
  await waitFor(() => heard.length === failing, { what: `${failing} errors` });
  for (const error of Object.values(oddErrors)) {
    callSafely(() => {
      throw error;
    }, (caught) => heard.push(caught));
    assertEquals([isHubError(error), toWireError(error).code], [false, "INTERNAL"]);
  }
  assertEquals(heard.length, failing + Object.keys(oddErrors).length);
  assertEquals([null, undefined, true, [], {}, Promise.resolve(), "x", 5n].map(kindOf), [
    "null",
    "undefined",
    "true",
    "a list",
    "an object",
    "a promise",
    "a string",
    "a bigint",
  ]);
});

test("user code: a schema that gives back junk is an error of the schema, not of the value", () => {
  for (
    const junk of [undefined, null, 5, "x", {}, [], { success: true, data: 1 }, { issues: 5 }, {
      get issues(): never {
        throw failure;
      },
    }]
  ) {
    for (const read of [parse, parseNow]) {
      try {
        read(schema(() => junk), 1, "value", "it");
        assert(false, "it was taken");
      } catch (error) {
        assert(
          !isHubError(error),
          `${kindOf(junk)} is told to the other side as if it had sent something bad`,
        );
      }
    }
  }
});

const contract = {
  roles: {
    m: {
      clientToServer: {
        now: { input: pass, output: pass },
        later: { input: schema((value) => Promise.resolve({ value })), output: pass },
        out: { input: pass, output: schema((value) => value) },
        in: { input: schema((at) => oddAnswers()[at as string]!.make()), output: pass },
        ping: { input: pass, output: pass },
        tell: { payload: pass },
      },
      topics: { news: { payload: pass } },
    },
  },
};

/** The handlers answer with the odd answer, or throw the odd error, that the input names. */
function odd(at: Untyped): unknown {
  if (at in oddErrors) throw oddErrors[at];
  return oddAnswers()[at as string]!.make();
}

test("user code: whatever a handler or a schema returns or throws, only its own call fails, and the error is reported", async () => {
  await using scene = await stage(contract);
  const { hub, errors } = scene;
  hub.implement({ m: { now: odd, later: odd, out: odd, in: () => 1, ping: () => "pong", tell: odd } });
  const peer = await scene.enter();
  let id = 0;
  const answers = Object.entries(oddAnswers()).map(([at, { ends }]) => ({ at, ends }));
  const throwing = Object.keys(oddErrors).map((at) => ({ at, ends: "error" as const }));
  for (const name of ["now", "later", "out"]) {
    for (const { at, ends } of [...answers, ...throwing]) {
      peer.send(["req", ++id, name, at]);
      if (ends === "never") continue;
      const fails = ends === "error" || name === "out"; // the schema of `out` takes no text
      const [, , told] = await peer.hears(fails ? "err" : "res", id);
      if (fails) assertEquals(told.code, "INTERNAL", `${name}: ${at}`);
      await waitFor(() => errors.length === (fails ? 1 : 0), { what: `the report of ${name}: ${at}` });
      errors.length = 0;
    }
  }
  for (const { at, ends } of answers) {
    peer.send(["req", ++id, "in", at]);
    if (ends === "never") {
      // Later messages wait until the caller gives up.
      peer.send(["req", ++id, "ping", 1], ["cancel", id - 1]);
      await peer.hears("res", id);
    } else assertEquals((await peer.hears("err", id))[2].code, "INTERNAL", at);
  }
  await waitFor(() => errors.length === answers.length - 1, { what: "the reports of the schema" });
  errors.length = 0;
  for (const { at } of [...answers, ...throwing]) peer.send(["sig", "tell", at]);
  const failing = [...answers, ...throwing].filter(({ ends }) => ends === "error").length;
  await waitFor(() => errors.length === failing, { what: "the reports of the signal" });
  peer.send(["req", ++id, "ping", 1]);
  await peer.hears("res", id);
  assertEquals(peer.closed, undefined);
});

test("user code: hooks may give back or throw anything; a connection that one of them refuses is refused alone", async () => {
  const given: { hook: Untyped } = { hook: undefined };
  await using scene = await stage(contract, {
    onDisconnect: () => odd(given.hook),
    authorize: { news: () => odd(given.hook) },
    onError: (error: unknown) => {
      reported.push(error);
      return odd(given.hook);
    },
  });
  const reported: unknown[] = [];
  const { error } = console;
  console.error = () => {};
  try {
    for (const at of [...Object.keys(oddAnswers()), ...Object.keys(oddErrors)]) {
      given.hook = at;
      const peer = await scene.enter();
      peer.send(["sub", 1, "news"]);
      if (!at.includes("never")) await peer.hears("err", 1);
      peer.leave();
      await peer.ends();
    }
  } finally {
    console.error = error;
  }
  await waitFor(() => scene.hub.stats().connections === 0, { what: "all to be gone" });
});

test("user code: whatever authenticate or onConnection throws, its client is refused, and leaves nothing behind", async () => {
  let messages = 0;
  const moody = Object.defineProperty(new HubError("X"), "message", {
    get: () => ++messages % 2 === 1 ? "text at first" : 5,
  });
  const thrown: { error: unknown } = { error: undefined };
  for (const hook of ["authenticate", "onConnection"]) {
    await using scene = await stage(contract, {
      [hook]: () => {
        throw thrown.error;
      },
    });
    for (const [what, error] of [...Object.entries(oddErrors), ["a HubError with moods", moody] as const]) {
      thrown.error = error;
      const peer = scene.dial();
      peer.send(["hello", { role: "m" }]);
      assertEquals([what, (await peer.ends()).code], [what, 4006]);
      await waitFor(() => scene.errors.splice(0).length > 0, { what: `the report of ${what}` });
    }
    const { connections, handshakes, limited } = scene.hub.stats();
    assertEquals([connections, handshakes, limited], [0, 0, 0]);
  }
});

test("user code: the client's token, listeners and handlers may give back or throw anything", async () => {
  const loopback = createLoopbackTransport();
  await using scene = await stage({
    roles: {
      m: {
        topics: { news: { payload: pass } },
        serverToClient: { ev: { payload: pass }, ask: { input: pass, output: pass } },
      },
    },
  }, { transports: [loopback] });
  const { hub } = scene;
  const chat = defineContract({
    roles: {
      m: {
        topics: { news: { payload: pass } },
        serverToClient: { ev: { payload: pass }, ask: { input: pass, output: pass } },
      },
    },
  });
  const reported: unknown[] = [];
  await using client: Untyped = createClient(chat, {
    url: "ws://x",
    role: "m",
    transport: loopback.client(),
    onError: (error: unknown) => void reported.push(error),
  } as Untyped);
  await client.ready;
  client.on("ev", odd);
  client.implement({ ask: odd });
  await client.subscribe("news", odd).ready;
  for (const [at, { ends }] of Object.entries(oddAnswers())) {
    reported.length = 0;
    hub.forRole("m").emit("ev", at);
    hub.forRole("m").publish("news", at);
    const asked = hub.connection(client.connectionId).request("ask", at, { timeoutMs: 50 });
    const outcome = await asked.then(() => "value", () => ends === "never" ? "never" : "error");
    assertEquals(outcome, ends, at);
    await waitFor(() => reported.length >= (ends === "error" ? 3 : 0), { what: `three reports of ${at}` });
  }
  assertEquals(client.status, "open");
  for (const { make } of Object.values(oddAnswers()).filter(({ ends }) => ends === "error")) {
    const refused: Untyped = createClient(chat, {
      url: "ws://x",
      role: "m",
      transport: loopback.client(),
      token: make,
      reconnect: false,
      onError: () => {},
    } as Untyped);
    assertEquals(await refused.ready.catch((error: HubError) => error.code), "UNAVAILABLE");
  }
});
