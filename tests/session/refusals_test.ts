import { assert, assertEquals, assertThrows } from "@std/assert";
import { createHub, defineContract } from "@trunkline/hub";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { HubError, pass, type Scene, stage, type Untyped } from "./scene.ts";

const contract = { roles: { m: { clientToServer: { ping: { input: pass, output: pass } } }, admin: {} } };

/** Whether a page of an Origin gets in, by the host that it was sent to. */
async function mayConnect(scene: Scene, origin: string, host: string, scheme = "ws"): Promise<boolean> {
  const peer = scene.dial({ url: `${scheme}://node/`, headers: { origin, host } });
  peer.send(["hello", { role: "m" }]);
  const outcome = await waitFor(() => peer.closed ?? peer.heard[0], {
    what: `an outcome for ${origin} at ${host}`,
  });
  peer.leave();
  return Array.isArray(outcome);
}

test("origins: by default a page can connect to its own site, however host and port are written, and to no other", async () => {
  await using scene = await stage(contract);
  const own: [origin: string, host: string, scheme?: string][] = [
    ["https://a.example", "a.example"],
    ["https://a.example", "a.example:443"],
    ["http://a.example", "a.example:80"],
    ["https://a.example", "a.example:80"],
    ["https://A.Example", "a.example"],
    ["https://a.example", "A.EXAMPLE"],
    ["https://a.example.", "a.example"],
    ["https://a.example", "a.example.:443"],
    ["http://localhost:8000", "localhost:8000"],
    ["http://[::1]:8000", "[::1]:8000"],
    ["http://[0:0::1]:8000", "[::1]:8000"],
    ["https://a.example", "a.example", "wss"],
    ["https://a.example", "a.example:443", "wss"],
  ];
  for (const [origin, host, scheme] of own) {
    assert(await mayConnect(scene, origin, host, scheme), `${origin} at ${host}`);
  }
  const foreign: typeof own = [
    ["https://b.example", "a.example"],
    ["https://a.example.b.example", "a.example"],
    ["https://a.example:8443", "a.example"],
    ["https://a.example", "a.example:8443"],
    ["http://a.example", "a.example:443"],
    ["http://a.example", "a.example", "wss"],
    ["http://localhost:5173", "localhost:8000"],
    ["null", "a.example"],
    ["file://", "a.example"],
    ["capacitor://a.example", "a.example"],
    ["not a url", "a.example"],
    ["https://b.example", "a.example@b.example"],
    ["https://b.example", "b.example/a.example"],
    ["https://b.example", ""],
  ];
  for (const [origin, host, scheme] of foreign) {
    assert(!await mayConnect(scene, origin, host, scheme), `${origin} at ${host}`);
  }
});

test("origins: a refusal is reported with both values and what to set", async () => {
  await using scene = await stage(contract);
  await mayConnect(scene, "http://localhost:5173", "localhost:8000");
  const [{ error, info }] = scene.errors as [Untyped];
  assertEquals([info.stage, info.reason, info.count], ["refused", "origin", 1]);
  assertEquals(
    error.message,
    'Refused a page of "http://localhost:5173": the request was sent to "localhost:8000". If the page is yours, set ' +
      'origins: ["http://localhost:5173"] in createHub',
  );
  assertEquals(scene.hub.stats().refused.origin, 1);
  assertEquals((await (await scene.hub.routes.request("/health")).json()).refused, { origin: 1 });
});

test("origins: entries of a list are compared as URLs, and entries that can never match are refused with what to write", async () => {
  await using scene = await stage(contract, {
    origins: ["https://A.example/", "http://b.example:80", "null", "app://x"],
  });
  for (const origin of ["https://a.example", "http://b.example", "null", "app://x"]) {
    assert(await mayConnect(scene, origin, "hub"), origin);
  }
  for (const origin of ["http://a.example", "https://b.example", "https://c.example", "app://y"]) {
    assert(!await mayConnect(scene, origin, "hub"), origin);
  }
  const bad: Record<string, string> = {
    "a.example": '"https://a.example"',
    "localhost:5173": '"http://localhost:5173"',
    "127.0.0.1:80": '"http://127.0.0.1:80"',
    "https://a.example/app": '"https://a.example"',
    "https://*.example": "a function",
    "*": 'origins: "*"',
  };
  for (const [entry, instead] of Object.entries(bad)) {
    const make = () =>
      createHub(defineContract(contract as Untyped), {
        authenticate: ({ role }: Untyped) => ({ role }),
        origins: [entry],
      } as Untyped);
    const error = assertThrows(make) as Error;
    assert(
      error.message.includes("origins[0]") && error.message.includes(instead),
      `${entry}: ${error.message}`,
    );
  }
});

test("origins: of a function only true lets in; a promise or anything else refuses and is reported", async () => {
  const odd: Record<string, unknown> = {
    "a promise": Promise.resolve(true),
    "a string": "yes",
    "a number": 1,
    "an object": {},
    undefined: undefined,
  };
  for (const [kind, answer] of Object.entries(odd)) {
    await using scene = await stage(contract, { origins: () => answer });
    assert(!await mayConnect(scene, "https://a.example", "a.example"), kind);
    const [{ error, info }] = scene.errors as [Untyped];
    assertEquals(info.reason, "origin");
    assert(error.message.includes(kind), error.message);
  }
  await using rejecting = await stage(contract, { origins: () => Promise.reject(new Error("late")) });
  assert(!await mayConnect(rejecting, "https://a.example", "a.example"));
  await using yes = await stage(contract, { origins: (origin: string) => origin === "https://a.example" });
  assert(await mayConnect(yes, "https://a.example", "hub"));
  assert(!await mayConnect(yes, "https://b.example", "hub"));
});

test("authenticate: an answer without a clear identity accepts no client, and is reported", async () => {
  const given: { answer: unknown } = { answer: undefined };
  await using scene = await stage(contract, { authenticate: () => given.answer });
  const odd = [
    undefined,
    null,
    true,
    "m",
    [],
    {},
    { role: undefined },
    { role: 5 },
    { role: null },
    { role: ["m"] },
    { role: "m", user: null },
    { role: "m", user: "ann" },
    { role: "m", user: {} },
    { role: "m", user: { id: "" } },
    { role: "m", user: { id: 5 } },
    { role: "m", user: { id: null } },
    { role: "m", usr: { id: "ann" } }, // would make her anonymous
    { role: "m", context: {} },
    { role: "m", user: { id: "ann\ud83d" } }, // other nodes cannot be told of it
    {
      get role(): never {
        throw new Error("no");
      },
    },
  ];
  for (const answer of odd) {
    for (const wrapped of [answer, Promise.resolve(answer)]) {
      given.answer = wrapped;
      const peer = scene.dial();
      peer.send(["hello", { role: "m" }]);
      assertEquals((await peer.ends()).code, 4006);
      assertEquals(scene.errors.splice(0).map(({ info }) => info.stage), ["connection"]);
    }
  }
  given.answer = { role: "admin" };
  const peer = scene.dial();
  peer.send(["hello", { role: "m" }]);
  assertEquals((await peer.ends()).code, 4502);
  const [{ error, info }] = scene.errors as [Untyped];
  assertEquals(info.reason, "role");
  assert(error.message.includes('"m"') && error.message.includes('"admin"'), error.message);
  assertEquals([scene.hub.stats().connections, scene.hub.stats().refused.failed], [0, 2 * odd.length]);
});

test("onConnection: false refuses, at once or later", async () => {
  for (const answer of [false, Promise.resolve(false)]) {
    await using scene = await stage(contract, { onConnection: () => answer });
    const peer = scene.dial();
    peer.send(["hello", { role: "m" }]);
    assertEquals((await peer.ends()).code, 4502);
    assertEquals(scene.hub.stats().refused.forbidden, 1);
  }
});

test("refusals: an application's own code is reported, UNAUTHENTICATED and FORBIDDEN are only counted", async () => {
  const given: { code: string; at: string } = { code: "", at: "" };
  const refuse = (at: string) => {
    if (given.at === at) throw new HubError(given.code, "go away");
  };
  await using scene = await stage(contract, {
    clock: new FakeClock(),
    authenticate: ({ role }: Untyped) => (refuse("authenticate"), { role }),
    onConnection: () => refuse("onConnection"),
  });
  for (const at of ["authenticate", "onConnection"]) {
    for (const code of ["BANNED", "UNAUTHENTICATED", "FORBIDDEN"]) {
      Object.assign(given, { code, at });
      const peer = scene.dial();
      peer.send(["hello", { role: "m" }]);
      await peer.ends();
    }
  }
  assertEquals(scene.errors.map(({ info }) => info.reason), ["application"]);
  assert(scene.errors[0]!.error.message.includes("BANNED"));
  const { application, unauthenticated, forbidden } = scene.hub.stats().refused;
  assertEquals([application, unauthenticated, forbidden], [2, 2, 2]);
});

test("refusals: the first refusal with a reason is reported at once, and the following ones once with their count", async () => {
  const clock = new FakeClock();
  await using scene = await stage(contract, { clock });
  const foreign = () => mayConnect(scene, "https://b.example", "a.example");
  for (let i = 0; i < 5; i++) await foreign();
  assertEquals(scene.errors.map(({ info }) => info.count), [1]);
  clock.advance(10_000);
  assertEquals(scene.errors.map(({ info }) => info.count), [1, 4]);
  clock.advance(30_000);
  await foreign();
  await foreign();
  assertEquals(scene.errors.map(({ info }) => info.count), [1, 4, 1]);
  await scene.hub.close();
  assertEquals(scene.errors.map(({ info }) => info.count), [1, 4, 1, 1]);
  assertEquals(scene.hub.stats().refused.origin, 7);
});

test("refusals: every way to refuse is counted by its reason, and reported", async () => {
  const clock = new FakeClock();
  const limits = {
    maxConnections: 3,
    maxConnectionsPerAddress: 2,
    maxConnectionsPerUser: 1,
    handshakeTimeoutMs: 1_000,
    messageBurst: 5,
    messagesPerSecond: 1,
    maxFrameBytes: 1_000,
  };
  await using scene = await stage(contract, {
    clock,
    limits,
    authenticate: ({ role, token }: Untyped) => ({ role, user: token && { id: token } }),
  });
  scene.hub.implement({ m: { ping: () => 1 } });
  const reported = (): unknown[] => scene.errors.splice(0).map(({ info }) => info.reason);
  let host = 0;
  const arrive = (hello: unknown = { role: "m" }) => {
    const peer = scene.dial({ address: `192.0.2.${++host}` });
    peer.send(["hello", hello]);
    return peer;
  };
  const gone = async (reason: string, peer: Untyped) => {
    await peer.ends();
    await waitFor(() => scene.hub.stats().connections + scene.hub.stats().handshakes === 0, {
      what: "the end",
    });
    assertEquals(reported(), [reason]);
  };
  await gone("role", arrive({ role: "nobody" }));
  await gone("protocol", arrive({ rolle: "m" }));
  const fast = arrive();
  await fast.hears("welcome");
  for (let i = 0; i < 12; i++) fast.send(["pong"]);
  await gone("rate", fast);
  const large = arrive();
  await large.hears("welcome");
  large.say(JSON.stringify([["req", 1, "ping", "x".repeat(1_000)]]));
  await large.ends();
  const silent = scene.dial();
  await waitFor(() => scene.hub.stats().handshakes === 1, { what: "the silent one" });
  scene.errors.length = 0;
  clock.advance(1_000);
  await gone("handshake-timeout", silent);
  const ann = arrive({ role: "m", token: "ann" });
  await ann.hears("welcome");
  const second = arrive({ role: "m", token: "ann" });
  await second.ends();
  assertEquals(reported(), ["user"]);
  const two = [scene.dial({ address: "2001:db8::1" }), scene.dial({ address: "2001:db8::2" })];
  for (const peer of two) peer.send(["hello", { role: "m" }]);
  for (const peer of two) await peer.hears("welcome");
  await arrive().ends();
  assertEquals(reported(), ["full"]);
  ann.leave();
  await waitFor(() => scene.hub.stats().connections === 2, { what: "ann to leave" });
  await scene.dial({ address: "2001:db8::3" }).ends();
  assertEquals(reported(), ["address"]);
  const { refused } = scene.hub.stats();
  for (
    const reason of ["role", "protocol", "rate", "frame-size", "handshake-timeout", "user", "full", "address"]
  ) {
    assert(refused[reason] >= 1, reason);
  }
});

test("limits: links that are not authenticated have a limit of their own, in all and by address", async () => {
  const slow = Promise.withResolvers<void>();
  await using scene = await stage(contract, {
    limits: { maxHandshakes: 3, maxHandshakesPerAddress: 2 },
    authenticate: ({ role }: Untyped) => slow.promise.then(() => ({ role })),
  });
  const from = (address: string) => {
    const peer = scene.dial({ address });
    peer.send(["hello", { role: "m" }]);
    return peer;
  };
  const first = [from("::ffff:192.0.2.1"), from("192.0.2.1")];
  await waitFor(() => scene.hub.stats().handshakes === 2, { what: "two handshakes" });
  await from("192.0.2.1").ends();
  const third = from("192.0.2.2");
  await waitFor(() => scene.hub.stats().handshakes === 3, { what: "three handshakes" });
  await from("192.0.2.3").ends();
  assertEquals(scene.errors.map(({ info }) => info.reason), ["address", "full"]);
  slow.resolve();
  for (const peer of [...first, third]) await peer.hears("welcome");
  await from("192.0.2.1").hears("welcome");
});

test("limits: a user counts by the id of its login, even if the application changes the object", async () => {
  const ann = { id: "ann" };
  await using scene = await stage(
    { roles: { m: { serverToClient: { note: { payload: pass } } } } },
    { limits: { maxConnectionsPerUser: 1 }, authenticate: ({ role }: Untyped) => ({ role, user: ann }) },
  );
  const first = await scene.enter();
  ann.id = "bob";
  scene.hub.user("ann").emit("note", "to ann");
  scene.hub.user("bob").emit("note", "to bob");
  scene.hub.user("ann").emit("note", "the end");
  await waitFor(() => first.heard.at(-1)[2] === "the end", { what: "the end" });
  assertEquals(first.heard.slice(1).map(([, , note]) => note), ["to ann", "the end"]);
  const { connections } = await scene.hub.cluster.connections({ user: "ann" });
  assertEquals(connections.map(({ user }: Untyped) => user), ["ann"]);
  first.leave();
  await waitFor(() => scene.hub.stats().connections === 0, { what: "the first to be gone" });
  const { limited, groups, channels } = scene.hub.stats();
  assertEquals([limited, groups, channels], [0, 0, 0]);
  ann.id = "ann";
  await scene.enter();
});

test("limits: an address that the application does not know is that of the connection; an invalid one refuses", async () => {
  for (const nothing of [undefined, null, ""]) {
    await using scene = await stage(contract, {
      address: () => nothing,
      limits: { maxConnectionsPerAddress: 1 },
    });
    await scene.enter();
    await scene.dial().ends();
  }
  const late = () => Promise.reject(new Error("late"));
  for (const bad of [() => 5, () => ({}), () => Promise.resolve("192.0.2.1"), late]) {
    await using scene = await stage(contract, { address: bad });
    await scene.dial().ends();
    assertEquals(scene.errors.map(({ info }) => info.stage), ["connection"]);
  }
});

test("limits: a hello has a size of its own", async () => {
  await using scene = await stage(contract);
  const peer = scene.dial();
  peer.send(["hello", { role: "m", token: "x".repeat(70_000) }]);
  assertEquals((await peer.ends()).code, 4504);
});
