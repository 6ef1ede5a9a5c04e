import { assert, assertEquals, assertThrows } from "@std/assert";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { type ContractDefinition, defineContract, HubError, parse, parseNow } from "../../contract/mod.ts";
import { test } from "../harness.ts";

const payload = z.object({ n: z.number() });
const message = { payload };
const request = { input: payload, output: payload };
const role = (surface: ContractDefinition["shared"]): ContractDefinition => ({ roles: { member: surface! } });

/** A definition that is wrong, and what the error says. */
const refused: readonly (readonly [why: string, definition: unknown, message: string])[] = [
  ["no roles", { roles: {} }, "without roles"],
  ["a role called shared", { roles: { shared: {} } }, 'Cannot call a role "shared"'],
  [
    "a signal of a role that is shared too",
    { shared: { clientToServer: { say: message } }, ...role({ clientToServer: { say: message } }) },
    'Cannot declare client-to-server message "say" twice',
  ],
  [
    "a request named like a shared signal",
    { shared: { clientToServer: { say: message } }, ...role({ clientToServer: { say: request } }) },
    'Cannot declare client-to-server message "say" twice',
  ],
  [
    "an event of a role that is shared too",
    { shared: { serverToClient: { dm: message } }, ...role({ serverToClient: { dm: message } }) },
    'Cannot declare server-to-client message "dm" twice',
  ],
  [
    "an event that means something else to another role",
    {
      roles: {
        member: { serverToClient: { dm: message } },
        admin: { serverToClient: { dm: { payload: z.string() } } },
      },
    },
    'Cannot declare server-to-client message "dm" twice: roles "member" and "admin" differ',
  ],
  [
    "a topic of a role that is shared too",
    { shared: { topics: { stats: message } }, ...role({ topics: { stats: message } }) },
    'Cannot declare "stats" twice',
  ],
  [
    "a topic pattern of a role that overlaps a shared one",
    { shared: { topics: { "ticker/:symbol": message } }, ...role({ topics: { "ticker/:id": message } }) },
    'Cannot declare "ticker/:id" beside "ticker/:symbol": a name could fit both',
  ],
  [
    "presence patterns that overlap",
    { roles: { member: {} }, presence: { "room/:id": payload, ":kind/1": payload } },
    'Cannot declare ":kind/1" beside "room/:id"',
  ],
  ["a malformed pattern", role({ topics: { "a//b": message } }), '"a//b": it has an empty segment'],
  [
    "a message without a name",
    role({ clientToServer: { "": message } }),
    'Cannot declare client-to-server message ""',
  ],
  [
    "a bus message without a name",
    { roles: { member: {} }, serverToServer: { "": message } },
    'Cannot declare server-to-server message ""',
  ],
  [
    "an empty message",
    role({ clientToServer: { say: {} as never } }),
    'message "say": give it either "payload"',
  ],
  [
    "a request without an output",
    role({ clientToServer: { say: { input: payload } as never } }),
    'message "say": give it either "payload"',
  ],
  [
    "a message that is a request too",
    role({ clientToServer: { say: { ...message, ...request } as never } }),
    'message "say": give it either "payload"',
  ],
  [
    "a message with half a request",
    role({ clientToServer: { say: { ...message, input: payload } as never } }),
    'message "say": give it either "payload"',
  ],
  [
    "a message that is not there, as after a circular import",
    role({ clientToServer: { say: undefined as never } }),
    'Cannot declare client-to-server message "say"',
  ],
  [
    "a message that is a schema by itself",
    role({ serverToClient: { dm: payload as never } }),
    'message "dm": give it either "payload"',
  ],
  [
    "a payload that is no schema",
    role({ serverToClient: { dm: { payload: { n: "number" } as never } } }),
    'Cannot declare server-to-client message "dm": its schema is not a Standard Schema',
  ],
  [
    "an output that is no schema",
    role({ clientToServer: { say: { input: payload, output: undefined as never } } }),
    'message "say": its schema is not a Standard Schema',
  ],
  [
    "a topic that is not there",
    role({ topics: { stats: undefined as never } }),
    'Cannot declare topic "stats"',
  ],
  [
    "a topic without a schema",
    role({ topics: { stats: {} as never } }),
    'Cannot declare topic "stats": its payload is not a Standard Schema',
  ],
  [
    "a topic with history that conflates",
    role({ topics: { stats: { payload, history: { size: 1 }, conflate: true } } }),
    'Cannot declare topic "stats": history never skips a message',
  ],
  [
    "a presence state that is no schema",
    { roles: { member: {} }, presence: { "room/:id": {} } },
    'Cannot declare presence "room/:id": its state is not a Standard Schema, such as one of zod 4, valibot 1 or arktype 2 (presence)',
  ],
  [
    "a bus request that is no schema",
    { roles: { member: {} }, serverToServer: { load: { input: null, output: null } } },
    'Cannot declare server-to-server message "load": its schema is not a Standard Schema',
  ],
];

for (const [why, definition, expected] of refused) {
  test(`a contract with ${why} is refused by name`, () => {
    const error = assertThrows(() => defineContract(definition as ContractDefinition), TypeError, expected);
    assert(!error.message.endsWith("."));
  });
}

test("history that keeps nothing is refused by name", () => {
  for (const history of [{ size: 0 }, { size: -1 }, { size: 1.5 }, { size: NaN }, { size: Infinity }]) {
    const definition = role({ topics: { stats: { payload, history } } });
    assertThrows(() => defineContract(definition), RangeError, 'topic "stats": history.size');
  }
  for (const ttlMs of [0, -1, NaN]) {
    const definition = role({ topics: { stats: { payload, history: { size: 1, ttlMs } } } });
    assertThrows(() => defineContract(definition), RangeError, 'topic "stats": history.ttlMs');
  }
  const room = (history: { size: number; ttlMs?: number }) => ({
    ...role({}),
    rooms: { "r/:id": { history } },
  });
  assertThrows(() => defineContract(room({ size: 0 })), RangeError, 'room "r/:id": history.size');
  assertThrows(() => defineContract(room({ size: 1, ttlMs: 0 })), RangeError, 'room "r/:id": history.ttlMs');
});

test("rooms with history are found by the names that fit", () => {
  const { rooms } = defineContract({ ...role({}), rooms: { "r/:id": { history: { size: 3 } } } });
  assertEquals([rooms.find("r/1")?.value.history, rooms.find("r"), rooms.find("r/1/2")], [
    { size: 3 },
    undefined,
    undefined,
  ]);
});

test("one definition of an event may serve several roles", () => {
  const dm = message;
  const contract = defineContract({
    roles: { a: { serverToClient: { dm } }, b: { serverToClient: { dm } } },
  });
  for (const name of ["a", "b"]) {
    assertEquals(contract.roles.get(name)?.serverToClient.get("dm")?.payload, payload);
  }
});

test("different roles may have requests and topics of one name, each its own", () => {
  const other = z.object({ s: z.string() });
  const contract = defineContract({
    roles: {
      a: { clientToServer: { say: { payload } }, topics: { t: { payload } } },
      b: { clientToServer: { say: { payload: other } }, topics: { t: { payload: other } } },
    },
  });
  assertEquals(contract.roles.get("a")?.clientToServer.get("say")?.payload, payload);
  assertEquals(contract.roles.get("b")?.clientToServer.get("say")?.payload, other);
  assertEquals(contract.roles.get("a")?.topics.find("t")?.value.role, "a");
  assertEquals(contract.roles.get("b")?.topics.find("t")?.value.role, "b");
  assertEquals(contract.shared.topics.find("t"), undefined);
});

test("names of a prototype's own properties are names like any other", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const all = <T>(value: T) => Object.fromEntries(names.map((name) => [name, value]));
  const contract = defineContract({
    roles: all({ clientToServer: all(message), serverToClient: all(message), topics: all(message) }),
    presence: all(payload),
    serverToServer: all(request),
  });
  for (const name of names) {
    const surface = contract.roles.get(name);
    assertEquals(surface?.clientToServer.get(name)?.name, name);
    assertEquals(surface?.serverToClient.get(name)?.name, name);
    assertEquals(surface?.topics.find(name)?.value.pattern, name);
    assertEquals(contract.presence.find(name)?.value, { pattern: name, state: payload, clientsSet: false });
    assertEquals(contract.serverToServer.get(name)?.input, payload);
  }
  const bare = defineContract({ roles: { member: {} } });
  for (const name of names) {
    assertEquals(bare.roles.get(name), undefined);
    assertEquals(bare.roles.get("member")?.clientToServer.get(name), undefined);
    assertEquals(bare.roles.get("member")?.topics.find(name), undefined);
  }
});

/** The same schema, by three libraries: an object with a number, given as text or number. */
const libraries = [
  {
    library: "zod",
    schema: z.object({ n: z.coerce.number() }),
    late: z.string().refine(() => Promise.resolve(true)),
  },
  {
    library: "valibot",
    schema: v.object({ n: v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.number()) }),
    late: v.pipeAsync(v.string(), v.checkAsync(() => Promise.resolve(true))),
  },
  { library: "arktype", schema: type({ n: type("string.numeric.parse").or("number") }), late: undefined },
] as const;

for (const { library, schema, late } of libraries) {
  test(`a schema of ${library} declares, parses and refuses`, async () => {
    const contract = defineContract({
      roles: {
        member: {
          clientToServer: { say: { payload: schema }, ask: { input: schema, output: schema } },
          topics: { "t/:id": { payload: schema } },
        },
      },
      presence: { "room/:id": schema },
    });
    const entry = contract.roles.get("member")!.clientToServer.get("say")!;
    assertEquals(parseNow(entry.payload!, { n: "7" }, "signal", "say"), { n: 7 });
    assertEquals(await parse(entry.payload!, { n: 7 }, "signal", "say"), { n: 7 });
    for (
      const bad of [undefined, null, [], {}, { n: {} }, { n: "seven" }, JSON.parse('{"__proto__":{"n":7}}')]
    ) {
      const error = assertThrows(() => parseNow(entry.payload!, bad, "signal", "say"), HubError);
      assertEquals(error.code, "VALIDATION");
      assert(error.message.startsWith('Invalid signal "say"'), error.message);
      const { issues } = error.data as { issues: { message: string; path: string }[] };
      assert(issues.length > 0 && issues.every(({ message, path }) => message && typeof path === "string"));
    }
    assertThrows(() => parseNow(entry.payload!, { n: "seven" }, "signal", "say"), HubError, 'at "n"');
  });

  if (!late) continue;
  test(`an asynchronous schema of ${library} is refused one way, and waited for in requests`, async () => {
    assertThrows(
      () => parseNow(late, "a", "event", "late"),
      TypeError,
      'Cannot use an asynchronous schema for event "late": only requests may have one',
    );
    assertEquals(await parse(late, "a", "event", "late"), "a");
    const error = await Promise.try(() => parse(late, 1, "event", "late")).catch((error) => error);
    assert(error instanceof HubError);
    assertEquals(error.code, "VALIDATION");
  });
}

test("an asynchronous schema that fails later leaves no unhandled rejection where it is refused", async () => {
  const schema = {
    "~standard": { version: 1 as const, vendor: "test", validate: () => Promise.reject(new Error("later")) },
  };
  assertThrows(() => parseNow(schema, 1, "signal", "x"), TypeError);
  await new Promise((resolve) => setTimeout(resolve)); // an unhandled rejection would fail the run here
});

test("of a value with a thousand faults only the first few cross the wire", () => {
  const many = Array.from({ length: 1_000 }, () => "x");
  const error = assertThrows(() => parseNow(z.array(z.number()), many, "signal", "list"), HubError, 'at "0"');
  assertEquals((error.data as { issues: unknown[] }).issues.length, 16);
});

test("of an issue only the start crosses the wire, as text that can travel, and its path is the schema's", () => {
  const key = "k".repeat(100_000);
  const issuesOf = (schema: Parameters<typeof parseNow>[0], value: unknown) => {
    const error = assertThrows(() => parseNow(schema, value, "signal", "it"), HubError);
    assert(error.message.length < 2_000, `${error.message.length} characters`);
    return (error.data as { issues: { message: string; path: string }[] }).issues;
  };
  const long = [
    issuesOf(z.record(z.string(), z.number()), { [key]: "x" }),
    issuesOf(v.record(v.string(), v.number()), { [key]: "x" }),
    issuesOf(type({ "[string]": "number" }), { [key]: "x" }),
  ];
  for (const [issue] of long) {
    assert(issue!.path.length < 1_000 && issue!.message.length < 1_000);
    assertEquals(issue!.path.slice(0, 100), key.slice(0, 100));
  }
  assertEquals(issuesOf(type({ n: "number" }), 5).map(({ path }) => path), [""]);
  assertEquals(issuesOf(type({ a: { n: "number" } }), { a: { n: "x" } }).map(({ path }) => path), ["a.n"]);
  const halves = {
    "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [half] }) },
  } as const;
  const half = { message: "\ud83d", path: ["\ude00"] };
  assertEquals(issuesOf(halves as never, 5), [{ message: "\ufffd", path: "\ufffd" }]);
});

test("a definition that is malformed is refused, and the error names the place", () => {
  const define = defineContract as (definition?: unknown) => unknown;
  const cases: [unknown, string][] = [
    [undefined, "Cannot do without the definition of defineContract: give an object with roles"],
    [null, "Cannot use null as the definition of defineContract"],
    ["x", "Cannot use this string as the definition"],
    [[], "Cannot use this list as the definition"],
    [{}, "Cannot do without roles of defineContract: give an object with at least one role"],
    [{ roles: null }, "Cannot use null as roles of defineContract: give an object"],
    [{ roles: [] }, "Cannot use this list as roles of defineContract: give an object"],
    [{ roles: {} }, "Cannot define a contract without roles"],
    [{ roles: { member: undefined } }, "Cannot do without roles.member of defineContract"],
    [{ roles: { member: null } }, "Cannot use null as roles.member"],
    [
      { roles: { member: {} }, rolls: {} },
      'Cannot use rolls of defineContract: there is no such part, did you mean "roles"?',
    ],
    [
      role({ clientToServe: {} } as never),
      'roles.member.clientToServe of defineContract: there is no such part, did you mean "clientToServer"?',
    ],
    [
      role({ presence: {} } as never),
      "roles.member.presence of defineContract: write it beside roles",
    ],
    [
      { roles: { member: {} }, topics: {} },
      "Cannot use topics of defineContract: write it in shared or a role",
    ],
    [role({ clientToServer: [] as never }), "roles.member.clientToServer of defineContract: give an object"],
    [role({ topics: null as never }), "roles.member.topics of defineContract: give an object"],
    [
      role({ clientToServer: { say: { paylod: payload } as never } }),
      'roles.member.clientToServer.say.paylod of defineContract: there is no such part, did you mean "payload"?',
    ],
    [role({ clientToServer: { say: {} as never } }), "(roles.member.clientToServer.say)"],
    [role({ clientToServer: { say: null as never } }), "(roles.member.clientToServer.say)"],
    [
      role({ topics: { stats: { payload, histroy: { size: 1 } } as never } }),
      'roles.member.topics.stats.histroy of defineContract: there is no such part, did you mean "history"?',
    ],
    [
      role({ topics: { stats: { payload, history: null as never } } }),
      "roles.member.topics.stats.history of defineContract: give an object",
    ],
    [
      role({ topics: { stats: { payload, history: 5 as never } } }),
      'history of defineContract: give an object of parts, there are "size", "ttlMs"',
    ],
    [
      role({ topics: { stats: { payload, history: { size: 1, ttl: 5 } as never } } }),
      'history.ttl of defineContract: there is no such part, did you mean "ttlMs"?',
    ],
    [
      role({ topics: { stats: { payload, conflate: 1 as never } } }),
      "roles.member.topics.stats.conflate of defineContract: give true, or the name",
    ],
    [role({ topics: { stats: { payload, conflate: "" } } }), "stats.conflate of defineContract"],
    [{ shared: 5, roles: { member: {} } }, "Cannot use 5 as shared of defineContract"],
    [{ roles: { member: {} }, rooms: [] }, "rooms of defineContract: give an object"],
    [
      { roles: { member: {} }, rooms: { r: {} } },
      "rooms.r.history of defineContract: give an object with a size",
    ],
    [
      { roles: { member: {} }, rooms: { r: { history: { size: 1 }, hist: 1 } } },
      'rooms.r.hist of defineContract: there is no such part, did you mean "history"?',
    ],
    [{ roles: { member: {} }, presence: [] }, "presence of defineContract: give an object"],
    [
      { roles: { member: {} }, presence: { r: { state: payload, clientsSet: "yes" } } },
      "presence.r.clientsSet of defineContract: give true or false",
    ],
    [
      { roles: { member: {} }, presence: { r: { state: payload, clientSets: true } } },
      "presence.r.clientSets of defineContract",
    ],
    [
      { roles: { member: {} }, serverToServer: { load: { payload, out: payload } } },
      "serverToServer.load.out of defineContract: there is no such part",
    ],
  ];
  for (const [definition, message] of cases) assertThrows(() => define(definition), TypeError, message);
  for (const ttlMs of [null, "5"] as never[]) {
    const definition = role({ topics: { stats: { payload, history: { size: 1, ttlMs } } } });
    assertThrows(() => define(definition), RangeError, "(roles.member.topics.stats)");
  }
});
