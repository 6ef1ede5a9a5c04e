import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { waitFor } from "../harness.ts";
import { hostileTest } from "./scene.ts";

/** Payloads that pollute code that merges or copies them carelessly; as text, as on the wire. */
const POLLUTING = [
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"constructor":null,"hasOwnProperty":null,"then":null,"toJSON":null}',
  '{"a":{"constructor":{"prototype":{"polluted":true}}}}',
  '{"then":{"then":{}},"toJSON":"x","length":-1,"valueOf":1}',
];

/** Payloads that are refused: assigning them to anything sets its prototype. */
const REFUSED = [
  '{"__proto__":{"polluted":true}}',
  '{"a":1,"__proto__":{"polluted":true,"toString":null}}',
  '{"__proto__":null,"constructor":null}',
  '{"a":{"__proto__":{"polluted":true}}}',
  '[{"__proto__":[{"polluted":true}]}]',
  '{"\\u005f_proto__":{"polluted":true}}',
];

/** Fails unless a value, and all that is in it, is a plain one of this process. */
function assertPlain(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const prototype = Object.getPrototypeOf(value);
  assert(
    prototype === Object.prototype || prototype === Array.prototype || prototype === null,
    "a payload brought its own prototype",
  );
  assert(!("polluted" in value) || Object.hasOwn(value, "polluted"));
  for (const key of Object.keys(value)) {
    assertPlain(Object.getOwnPropertyDescriptor(value, key)!.value);
  }
}

hostileTest(
  "payloads that pollute prototypes pass through every kind of schema without effect",
  async (scene) => {
    const { enter, neighbour } = scene;
    const intruder = await enter();
    const got: Record<string, unknown[]> = { any: [], record: [], object: [], loose: [] };
    neighbour.on("any", (value) => got.any!.push(value));
    neighbour.on("record", (value) => got.record!.push(value));
    neighbour.on("object", (value) => got.object!.push(value));
    neighbour.on("loose", (value) => got.loose!.push(value));
    let lastId = 0;
    for (const payload of POLLUTING) {
      const id = ++lastId;
      intruder.say(`[["req",${id},"echo",${payload}]]`);
      const [, , answer] = await intruder.hears("res", id);
      assertEquals(
        JSON.stringify(answer),
        payload,
        "a payload that nothing looks into is passed on as it is",
      );
      assertPlain(answer);
      for (const signal of ["any", "record", "object", "loose"]) {
        intruder.say(
          `[["sig","${signal}",${payload}]]`,
        );
      }
      intruder.say(`[["req",${++lastId},"strict",${payload}]]`);
      assertEquals((await intruder.hears("err", lastId))[2].code, "VALIDATION");
    }
    await intruder.proveAlive();
    await waitFor(() => got.any!.length === POLLUTING.length, { what: "the broadcasts" });
    assertEquals(got.any!.map((value) => JSON.stringify(value)), POLLUTING);
    for (const values of Object.values(got)) values.forEach(assertPlain);
    for (const value of got.object!) assert(!Object.hasOwn(value as object, "polluted"));
    for (const sample of [{}, [], () => {}, ""] as const) {
      assert(!("polluted" in Object(sample)));
      assertEquals(typeof Object(sample).toString, "function");
    }
  },
);

hostileTest(
  "a payload with a property __proto__ is refused as a message, and reaches no client",
  async (scene) => {
    const { enter, neighbour } = scene;
    const intruder = await enter();
    const got: unknown[] = [];
    neighbour.on("any", (value) => got.push(value));
    for (const [i, payload] of REFUSED.entries()) {
      intruder.say(`[["sig","any",${payload}],["req",${i + 1},"echo",${payload}]]`);
      const [, , { code, message }] = await intruder.hears("err", i + 1);
      assertEquals(code, "BAD_REQUEST");
      assertStringIncludes(message, 'Cannot read a payload: it holds a property named "__proto__" at ');
    }
    await intruder.proveAlive();
    assertEquals(intruder.heard.filter(([kind]) => kind === "fault").length, REFUSED.length);
    assertEquals(got, []);
  },
);

hostileTest(
  "errors, answers and names that pollute prototypes do so without effect",
  async ({ enter, hub }) => {
    const rude = await enter();
    const [, { connection }] = await rude.hears("welcome");
    rude.say('[["err",1,{"code":"__proto__","message":"x","data":{"__proto__":{"polluted":true}}}]]');
    rude.say('[["res",1,{"__proto__":{"polluted":true}}]]');
    rude.send(["sub", 1, "open/__proto__"], ["sub", 2, "open/constructor"], ["sub", 3, "log/__proto__"]);
    for (const id of [1, 2, 3]) await rude.hears("res", id);
    hub.publish("open/__proto__", JSON.parse('{"constructor":{"polluted":true}}'));
    assertEquals(JSON.stringify((await rude.hears("pub"))[2]), '{"constructor":{"polluted":true}}');
    assertThrows(
      () => hub.publish("open/constructor", JSON.parse('{"__proto__":1}')),
      HubError,
      '"__proto__"',
    );
    assertEquals((await hub.cluster.connections({ id: connection })).connections.length, 1);
    await rude.proveAlive();
  },
);

hostileTest(
  "a hello with a property __proto__, or with an inherited role, is invalid",
  async ({ intrude }) => {
    for (const extra of ['"role":"member","__proto__":{"token":"stolen"}', '"__proto__":{"role":"member"}']) {
      const rude = await intrude();
      rude.say(`[["hello",{${extra}}]]`);
      assertEquals((await rude.closed()).code, 4500);
    }
  },
);
