import { assert, assertEquals } from "@std/assert";
import { createClient, createHub, HubError } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { serve } from "../serve.ts";
import { RawClient } from "../transports/raw_client.ts";
import { contract, type HostileOptions, hostileTest, Intruder } from "./scene.ts";

type Origins = HostileOptions["origins"];

/** Whether a page of an origin gets in; `undefined` for a client that is no browser. */
const origins:
  readonly (readonly [what: string, origins: Origins, cases: Readonly<Record<string, boolean>>])[] = [
    ["by default only pages of the same host get in", undefined, {
      "http://HOST": true,
      "https://HOST": true,
      "http://127.0.0.1": false,
      "http://HOST.evil.example": false,
      "http://evil.example": false,
      "http://evil.example/HOST": false,
      "http://HOST@evil.example": false,
      "null": false,
      "": false,
      "HOST": false,
      "file://": false,
    }],
    ["a list lets in exactly its origins", ["https://app.example", "http://localhost:3000"], {
      "https://app.example": true,
      "http://localhost:3000": true,
      "http://app.example": false,
      "https://app.example:8443": false,
      "https://app.example.evil.example": false,
      "https://sub.app.example": false,
      "http://HOST": false,
      "null": false,
    }],
    ["an empty list lets no page in", [], { "http://HOST": false, "null": false }],
    ["a star lets every page in", "*", { "http://evil.example": true, "null": true, "HOST": true }],
    [
      "a function decides",
      (origin, request) => origin.endsWith(".app.example") && new URL(request.url).pathname === "/",
      { "https://a.app.example": true, "https://app.example": false, "http://HOST": false },
    ],
  ];

for (const [what, allowed, cases] of origins) {
  hostileTest(
    `${what}, others are refused before any upgrade; a client without an Origin is not a page`,
    async (scene) => {
      const { intrude, port, hub } = scene;
      for (const [origin, expected] of Object.entries(cases)) {
        const headers = {
          "Host": `127.0.0.1:${port}`,
          "Origin": origin.replace("HOST", `127.0.0.1:${port}`),
        };
        const page = await intrude(headers);
        assertEquals(page.raw.status, expected ? 101 : 403, `Origin: ${headers.Origin}`);
        if (expected) await (await page.enter()).proveAlive();
        else assertEquals(page.raw.header("upgrade"), undefined);
      }
      await (await intrude({ "Host": `127.0.0.1:${port}` })).enter();
      await waitFor(() => hub.stats().handshakes === 0, { what: "no refused page to be counted" });
    },
    { origins: allowed },
  );
}

hostileTest(
  "an Origin check that throws accepts no client, and the server survives",
  async ({ intrude, errors }) => {
    const page = await intrude({ "Origin": "http://evil.example" });
    assertEquals(page.raw.status, 500);
    assert(!page.raw.body.includes("hunter2"));
    assertEquals(errors.splice(0).map(({ info }) => info.stage), ["connection"]);
  },
  {
    origins: () => {
      throw new Error("hunter2");
    },
  },
);

/** How `authenticate` may refuse, what the client is told, and the close code. */
const refusals: Readonly<Record<string, readonly [told: unknown, code: number, reported: boolean]>> = {
  unauthenticated: [{ code: "UNAUTHENTICATED", message: "Who are you" }, 4501, false],
  forbidden: [{ code: "FORBIDDEN", message: "Not you" }, 4502, false],
  own: [{ code: "PAY_FIRST", message: "Pay", data: { price: 1 } }, 4006, false],
  promoted: [{ code: "FORBIDDEN", message: 'Not allowed to connect as "member"' }, 4502, false],
  broken: [{ code: "INTERNAL", message: "Internal error, see onError of the server" }, 4006, true],
  nothing: [{ code: "INTERNAL", message: "Internal error, see onError of the server" }, 4006, true],
  unsayable: [{ code: "UNAUTHENTICATED", message: "Odd" }, 4501, true],
  shown: [{ code: "FORBIDDEN", message: "Out" }, 4502, false],
  thrown: [{ code: "INTERNAL", message: "Internal error, see onError of the server" }, 4006, true],
};

const checks: string[] = [];

hostileTest("a refused client gets only the reason, and leaves nothing behind", async (scene) => {
  const { intrude, hub, errors } = scene;
  for (const [token, [told, code, reported]] of Object.entries(refusals)) {
    const intruder = await intrude();
    intruder.send(["hello", { role: "member", token }]);
    const { code: closedWith, reason } = await intruder.closed();
    assertEquals(closedWith, code, token);
    const [fault] = intruder.heard;
    assertEquals(fault, told && ["fault", told], token);
    assert(!reason.includes("hunter2"));
    const messages = errors.splice(0).map(({ error, info }) => [info.stage, error instanceof Error]);
    const own = token === "unsayable" ? [["output", true]] : [];
    assertEquals(messages, reported ? [["connection", true]] : own, token);
    await waitFor(() => hub.stats().connections === 1 && hub.stats().groups === 2, {
      what: "nothing to be left",
    });
  }
}, {
  authenticate: ({ role, token }) => {
    if (token === "unauthenticated") throw new HubError("UNAUTHENTICATED", "Who are you");
    if (token === "forbidden") return Promise.reject(new HubError("FORBIDDEN", "Not you"));
    if (token === "own") throw new HubError("PAY_FIRST", "Pay", { data: { price: 1 } });
    if (token === "promoted") return { role: "admin" };
    if (token === "broken") throw new Error("the password is hunter2");
    if (token === "nothing") return undefined as never;
    if (token === "unsayable") throw new HubError("UNAUTHENTICATED", "Odd", { data: 1n });
    return { role, user: { id: token! } };
  },
  onConnection: (conn) => {
    if (conn.user?.id === "shown") throw new HubError("FORBIDDEN", "Out");
    if (conn.user?.id === "thrown") throw new Error("the password is hunter2");
  },
});

hostileTest(
  "before a client is authenticated, the hub reads only its hello",
  async ({ intrude, hub }) => {
    const asking = await intrude();
    asking.send(["hello", { role: "member", token: "slow" }]);
    await waitFor(() => checks.includes("authenticate slow"), { what: "the call of authenticate" });
    asking.send(["sig", "any", 1], ["req", 1, "echo", 1], ["sub", 2, "slow/1"]);
    assertEquals((await asking.closed()).code, 4500);
    await waitFor(() => hub.stats().connections === 1, { what: "it to be gone" });
    assertEquals(asking.heard, []);
    assertEquals(checks.filter((check) => !check.includes("neighbour")), ["authenticate slow"]);
  },
  {
    authenticate: ({ role, token, signal }) => {
      checks.push(`authenticate ${token}`);
      if (token !== "slow") return { role };
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    authorize: {
      "slow/:id": () => {
        checks.push("authorize");
        return true;
      },
    },
  },
);

hostileTest("the hub accepts nothing from a hello but the role and the token", async ({ intrude }) => {
  const intruder = await intrude({ "Cookie": "session=1", "Authorization": "Bearer x" });
  const { raw } = await intruder.enter({
    role: "member",
    token: "t",
    user: { id: "root" },
    ctx: 1,
    address: "1.2.3.4",
  });
  assertEquals(handshakes.at(-1), ["member", "t", "127.0.0.1", "session=1", "Bearer x", "/"]);
  raw.reset();
}, {
  authenticate: ({ role, token, address, request }) => {
    const { headers, url } = request;
    handshakes.push([
      role,
      token,
      address,
      headers.get("cookie"),
      headers.get("authorization"),
      new URL(url).pathname,
    ]);
    return { role };
  },
});
const handshakes: unknown[][] = [];

const allowed = new Set(["yes", "later"]);

hostileTest(
  "each topic is authorized separately, and a refused client gets no message of it",
  async ({ enter, hub, errors }) => {
    const intruder = await enter();
    for (const [id, name] of [[1, "yes"], [2, "no"], [3, "later"], [4, "never"], [5, "zero"]] as const) {
      intruder.send(["sub", id, `secret/${name}`]);
      if (allowed.has(name)) await intruder.hears("res", id);
      else assertEquals((await intruder.hears("err", id))[2].code, "FORBIDDEN");
    }
    const [{ error }] = errors.splice(0) as unknown as [{ error: TypeError }];
    assertEquals(
      error.message,
      'The rule "secret/:id" of authorize answered a number: only true allows, false refuses',
    );
    // Patterns do not overlap, and what looks like the allowed topic is another one.
    for (
      const [i, topic] of ["secret/yes ", "secret/YES", "secret/%79es", "secret/ye\u0073\u0301"]
        .entries()
    ) {
      intruder.send(["sub", 10 + i, topic]);
      assertEquals((await intruder.hears("err", 10 + i))[2].code, "FORBIDDEN", topic);
    }
    intruder.send(["sub", 20, "secret/:id"]); // the pattern itself is no topic
    assertEquals((await intruder.hears("err", 20))[2].code, "BAD_REQUEST");
    assertEquals(hub.stats().subscriptions, 2);
    for (const name of ["no", "never", "YES", "yes"]) hub.publish(`secret/${name}`, name);
    await intruder.hears("pub");
    await intruder.proveAlive();
    assertEquals(intruder.heard.filter(([kind]) => kind === "pub"), [["pub", "secret/yes", "yes"]]);
  },
  {
    authorize: {
      "secret/:id": ({ params, topic, conn }) => {
        assertEquals([topic, conn.role], [`secret/${params.id}`, "member"]);
        if (params.id === "zero") return 0 as never;
        return params.id === "later" || params.id === "never"
          ? Promise.resolve(params.id === "later")
          : params.id === "yes";
      },
    },
  },
);

hostileTest("a topic of another role does not exist, whatever client asks for it", async ({ intrude }) => {
  const admin = await (await intrude()).enter({ role: "admin" });
  admin.send(["req", 1, "echo", 1], ["sig", "any", 1]);
  assertEquals((await admin.hears("err", 1))[2].code, "NOT_FOUND");
  assertEquals((await admin.hears("fault"))[1].code, "NOT_FOUND");
});

test("hostile: a client's token travels in its first message, and in no URL or header", async () => {
  const tokens: unknown[] = [];
  const seen: string[] = [];
  await using hub = createHub(contract, {
    authenticate: ({ role, token }) => {
      tokens.push(token);
      return { role };
    },
    onError: (error) => tokens.push(error),
  });
  await hub.ready;
  const server = serve({
    fetch(request, platform) {
      seen.push(request.url, ...[...request.headers].flat());
      return hub.routes.fetch(request, platform as never);
    },
    websocket: hub.websocket,
  });
  try {
    const url = `ws://127.0.0.1:${server.port}/`;
    await using client = createClient(contract, {
      url,
      role: "member",
      token: () => Promise.resolve("hunter2"),
    });
    await client.ready;
    assertEquals(tokens, ["hunter2"]);
    assert(seen.length > 4 && seen.every((text) => !text.includes("hunter2")), seen.join("\n"));
  } finally {
    await server.close();
  }
});

test("hostile: a hub that is not open yet, or is closing, accepts no client", async () => {
  const hub = createHub(contract, { authenticate: ({ role }) => ({ role }) });
  const server = serve({
    fetch: (request, platform) => hub.routes.fetch(request, platform as never),
    websocket: hub.websocket,
  });
  const headers = { "Sec-WebSocket-Protocol": "trunkline.v1.json" };
  try {
    await hub.ready;
    const inside = new Intruder(await RawClient.open(server.port, { headers }));
    await inside.enter();
    const closing = hub.close();
    const late = await RawClient.open(server.port, { headers });
    assertEquals([late.status, late.header("retry-after")], [503, "1"]);
    assertEquals((await inside.closed()).code, 4000);
    await closing;
    await Promise.all([inside.raw.destroy(), late.destroy()]);
  } finally {
    await hub.close();
    await server.close();
  }
});
