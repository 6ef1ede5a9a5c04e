import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  abortSignal,
  byName,
  callback,
  count,
  flag,
  having,
  list,
  ms,
  oneOf,
  ratio,
  secret,
  text,
  wholeMs,
} from "../../contract/options/option_kinds.ts";
import { bag, type Kind, optional, or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { suggest } from "../../contract/options/suggest.ts";
import { test } from "../harness.ts";

interface KettleOptions {
  readonly name?: string;
  readonly boilMs?: number;
  readonly limits?: { readonly maxCups?: number; readonly lid?: { readonly open?: boolean } };
}

const KETTLE = {
  name: or(text, "kettle"),
  boilMs: optional(ms()),
  limits: bag({ maxCups: or(count({ max: Infinity }), 4), lid: bag({ open: or(flag, false) }) }),
} satisfies Rows<KettleOptions>;

const ABSENT = { name: "kettle", boilMs: undefined, limits: { maxCups: 4, lid: { open: false } } };
const read = (given: unknown) => readOptions("createKettle", given, KETTLE);

test("an option of undefined is absent, at every level", () => {
  const absent = [
    undefined,
    {},
    { name: undefined, boilMs: undefined, limits: undefined },
    { limits: { maxCups: undefined, lid: undefined } },
    { limits: { lid: { open: undefined } } },
  ];
  for (const given of absent) assertEquals(read(given), ABSENT);
});

test("an unknown option is refused by its path, with the one that was meant", () => {
  const cases: [unknown, string][] = [
    [{ boilMS: 1 }, 'Cannot use boilMS of createKettle: there is no such option, did you mean "boilMs"?'],
    [
      { limits: { maxCup: 1 } },
      'limits.maxCup of createKettle: there is no such option, did you mean "maxCups"?',
    ],
    [
      { limits: { lid: { opne: true } } },
      'limits.lid.opne of createKettle: there is no such option, did you mean "open"?',
    ],
    [
      { colour: "red" },
      'colour of createKettle: there is no such option, there are "name", "boilMs", "limits"',
    ],
    [{ nmae: undefined }, 'did you mean "name"?'],
    [JSON.parse('{ "__proto__": {} }'), "__proto__ of createKettle: there is no such option"],
    [{ constructor: 1 }, "constructor of createKettle: there is no such option"],
  ];
  for (const [given, message] of cases) assertThrows(() => read(given), TypeError, message);
});

test("a value that is not an object of options is refused", () => {
  for (const given of [null, 5, "x", true, [], () => {}, new Map(), Promise.resolve({})]) {
    assertThrows(
      () => read(given),
      TypeError,
      'options of createKettle: give an object of options, there are "name", "boilMs", "limits"',
    );
    assertThrows(
      () => read({ limits: given }),
      TypeError,
      "as limits of createKettle: give an object of options, there are",
    );
  }
});

test("errors name the given value and the allowed ones", () => {
  const cases: [unknown, ErrorConstructor, string][] = [
    [
      { boilMs: NaN },
      RangeError,
      "Cannot use NaN as boilMs of createKettle: give a number of milliseconds from 1 to 2147483647",
    ],
    [{ boilMs: "5" }, TypeError, "Cannot use this string as boilMs"],
    [{ boilMs: null }, TypeError, "Cannot use null as boilMs"],
    [
      { limits: { maxCups: 0.5 } },
      RangeError,
      "Cannot use 0.5 as limits.maxCups of createKettle: give a whole number from 1 to Infinity",
    ],
    [{ limits: { maxCups: 1n } }, TypeError, "Cannot use this bigint as limits.maxCups"],
    [{ name: 5 }, TypeError, "Cannot use 5 as name of createKettle: give a text that is not empty"],
    [{ name: "" }, TypeError, "Cannot use this string as name"],
    [{ limits: { lid: { open: Symbol("s") } } }, TypeError, "Cannot use this symbol as limits.lid.open"],
  ];
  for (const [given, type, message] of cases) assertThrows(() => read(given), type, message);
});

test("numbers are held to their ranges", () => {
  const kinds: [Kind<number>, number[], number[]][] = [
    [count(), [1, 2, 2 ** 53 - 1], [0, -1, 0.5, NaN, Infinity, -Infinity, 2 ** 53]],
    [count({ min: 0, max: 9 }), [0, 9], [-1, 10, 1.5]],
    [count({ max: Infinity }), [1, 2 ** 60, Infinity], [0, -Infinity, NaN, 1.5]],
    [ms(), [1, 2 ** 31 - 1], [0, -1, -0.5, NaN, Infinity, 2 ** 31]],
    [ms({ min: 0 }), [0], [-0.5]],
    [ms({ max: Infinity }), [1, 2 ** 40, Infinity], [0, NaN]],
    [ratio({ min: 0.1, max: 1 }), [0.1, 0.5, 1], [0, 1.1, NaN]],
  ];
  for (const [kind, good, bad] of kinds) {
    const table = { n: kind };
    for (const n of good) assertEquals(readOptions("f", { n }, table).n, n);
    for (const n of bad) {
      assertThrows(() => readOptions("f", { n }, table), RangeError, `Cannot use ${n} as n of f`);
    }
    for (const n of ["1", 1n, null, {}, [1], true, new Date()]) {
      assertThrows(() => readOptions("f", { n }, table), TypeError, "as n of f: give a");
    }
    assertThrows(() => readOptions("f", {}, table), TypeError, "Cannot do without n of f: give a");
  }
});

test("a time that crosses the wire is rounded up to whole milliseconds", () => {
  assertEquals([0.1, 1, 33.3].map((n) => readOptions("f", { n }, { n: wholeMs({ min: 0 }) }).n), [1, 1, 34]);
});

test("the other kinds accept exactly the values that they name", () => {
  const clock = { now: () => 0 };
  const kinds: [Kind<unknown>, unknown[], unknown[]][] = [
    [flag, [true, false], [0, "true", null, {}]],
    [oneOf("close", "drop"), ["close", "drop"], ["Close", "", null, 1, ["drop"]]],
    [callback(), [() => {}, class {}], [null, {}, "f"]],
    [having<typeof clock>("a clock", "now"), [clock], [null, {}, { now: 1 }, "x"]],
    [list(count(), { min: 1 }), [[1, 2]], [[], [1, , 2], "12", new Set([1]), null]],
    [byName(flag), [{ a: true }, {}], [{ a: 1 }, [true], null, new Map()]],
    [abortSignal, [new AbortController().signal], [new AbortController(), {}, null]],
    [secret, ["s3cret", ""], [1, null, {}]],
  ];
  for (const [kind, good, bad] of kinds) {
    for (const value of good) {
      assertEquals({ ...readOptions("f", { value }, { value: kind }).value as object }, {
        ...value as object,
      });
    }
    for (const value of bad) {
      assertThrows(() => readOptions("f", { value }, { value: kind }), TypeError, "value");
    }
  }
  assertThrows(
    () => readOptions("f", { value: [1, 0] }, { value: list(count()) }),
    RangeError,
    "Cannot use 0 as value[1] of f",
  );
  assertThrows(
    () => readOptions("f", { value: { "a/:b": 1 } }, { value: byName(flag) }),
    TypeError,
    "value.a/:b of f",
  );
});

test("errors show no secret", () => {
  const url = "redis://user:hunter2@example";
  for (
    const [kind, value] of [[secret, 73501], [count(), url], [ms(), "hunter2".repeat(9)], [flag, [url]], [
      flag,
      { url },
    ]] as const
  ) {
    const error = assertThrows(() => readOptions("f", { value }, { value: kind }));
    assert(error instanceof Error && !/hunter2|73501/.test(error.message), String(error));
  }
});

test("a name that is close is suggested, others are listed", () => {
  const known = ["say", "typing", "ticker/:symbol"];
  assertEquals(suggest("sya", known), 'did you mean "say"?');
  assertEquals(suggest("x", known), 'there are "say", "typing", "ticker/:symbol"');
  assertEquals(suggest("Say", known), 'did you mean "say"?');
  assertEquals(suggest("typng", known), 'did you mean "typing"?');
  assertEquals(suggest("ticker/:symbl", known), 'did you mean "ticker/:symbol"?');
  assertEquals(suggest("x".repeat(1_000_000), known), 'there are "say", "typing", "ticker/:symbol"');
  assertEquals(suggest("say", []), "there are none");
  assertEquals(suggest("user", ["url", "username"]), 'did you mean "username"?');
  assertEquals(suggest("hostname", ["host", "port"]), 'did you mean "host"?');
  assertEquals(
    suggest("probe", ["probeEveryMs", "probeTimeoutMs"]),
    'there are "probeEveryMs", "probeTimeoutMs"',
  ); // which?
  assertEquals(suggest("hos", ["url", "hostnames"]), 'there are "url", "hostnames"'); // too little to go by
});
