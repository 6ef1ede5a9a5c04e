/**
 * Odd values: all kinds that a program can hand over, and what of them travels.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import fc from "fast-check";
import { json, text } from "../contract/arbitraries.ts";

/** A value that travels, and what arrives. */
export interface Travelling {
  readonly sent: unknown;
  readonly arrives: unknown;
}

class Point {
  readonly x: unknown;
  constructor(x: unknown) {
    this.x = x;
  }
  get double(): unknown {
    throw new Error("a getter of the class is none of the object's properties");
  }
}

/** Nests a value. */
export function nest(levels: number, inner: unknown, how: "lists" | "objects"): unknown {
  let value = inner;
  for (let i = 0; i < levels; i++) value = how === "lists" ? [value] : { a: value };
  return value;
}

const same = (value: unknown): Travelling => ({ sent: value, arrives: value });
const wellFormed = text.map((value) => value.toWellFormed());
const name = wellFormed.filter((key) => key !== "__proto__");
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => new Uint8Array(array));

class Bytes extends Uint8Array {}

/** Bytes of other classes, and over other memory. */
const BYTES: readonly ((value: Uint8Array) => Uint8Array)[] = [
  (value) => Buffer.from(value),
  (value) => new Bytes(value),
  (value) => {
    const shared = new Uint8Array(new SharedArrayBuffer(value.length));
    shared.set(value);
    return shared;
  },
  (value) => { // its memory has shrunk
    const memory = new ArrayBuffer(100, { maxByteLength: 100 });
    const bytes = new Uint8Array(memory);
    bytes.set(value);
    memory.resize(value.length);
    return bytes;
  },
  (value) => Object.assign(new Uint8Array(value), { toJSON: () => "text" }),
  (value) => Object.defineProperty(new Uint8Array(value), "length", { value: 3 }),
  (value) => Object.assign(new Uint8Array(value), { constructor: Object }),
];

/** A getter, whose value travels. */
function got(value: unknown): unknown {
  return {
    get a() {
      return value;
    },
  };
}

const leaf: fc.Arbitrary<Travelling> = fc.oneof(
  fc.oneof(fc.constant(null), fc.boolean(), wellFormed, fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map((value) => value === 0 ? { sent: value, arrives: 0 } : same(value)),
  fc.constantFrom(-0, 2 ** 53, -(2 ** 53), 2 ** 64, 5e-324, 1.7976931348623157e308).map((value) =>
    value === 0 ? { sent: value, arrives: 0 } : same(value)
  ),
  bytes.map(same),
  bytes.map((value) => ({ sent: new Uint8Array([1, ...value, 2]).subarray(1, -1), arrives: value })),
  fc.tuple(bytes, fc.constantFrom(...BYTES)).map(([value, make]) => ({ sent: make(value), arrives: value })),
  fc.constant({ sent: Object.assign([1, 2], { constructor: Uint8Array }), arrives: [1, 2] }),
  fc.date({ noInvalidDate: true }).map((value) => ({ sent: value, arrives: value.toISOString() })),
  fc.constant({ sent: new URL("https://a.example/"), arrives: "https://a.example/" }),
  fc.constant({ sent: Object.create(null), arrives: {} }),
  fc.constantFrom("$bytes", "$$bytes", "$", "constructor", "toString", "then", "length").map((key) =>
    same({ [key]: { [key]: "AQID" } })
  ),
  fc.nat(1_000).map((levels) => same(nest(levels, 1, levels % 2 ? "lists" : "objects"))),
  fc.constant(same("x".repeat(100_000))),
);

/** Values that travel. */
export const travelling: fc.Arbitrary<Travelling> = fc.letrec<{ value: Travelling }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf.filter(({ sent }) => depthOf(sent) < 900),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => ({
      sent: items.map(({ sent }) => sent),
      arrives: items.map(({ arrives }) => arrives),
    })),
    fc.uniqueArray(fc.tuple(name, tie("value")), { maxLength: 3, selector: ([key]) => key }).map((
      entries,
    ) => ({
      sent: { ...Object.fromEntries(entries.map(([key, { sent }]) => [key, sent])), [Symbol("s")]: 1 },
      arrives: Object.fromEntries(entries.map(([key, { arrives }]) => [key, arrives])),
    })),
    tie("value").map(({ sent, arrives }) => ({ sent: { a: sent, b: undefined }, arrives: { a: arrives } })),
    tie("value").map(({ sent, arrives }) => ({ sent: new Point(sent), arrives: { x: arrives } })),
    tie("value").map(({ sent, arrives }) => ({
      sent: { constructor: sent },
      arrives: { constructor: arrives },
    })),
    tie("value").map(({ sent, arrives }) => ({ sent: got(sent), arrives: { a: arrives } })),
    tie("value").map(({ sent, arrives }) => ({ sent: [{ toJSON: () => [sent] }], arrives: [[arrives]] })),
    tie("value").map(({ sent, arrives }) => ({
      sent: { a: 1, b: { toJSON: () => undefined }, c: sent },
      arrives: { a: 1, c: arrives },
    })),
    tie("value").map(({ sent, arrives }) => ({ sent: new Proxy({ a: sent }, {}), arrives: { a: arrives } })),
  ),
})).value;

function depthOf(value: unknown): number {
  let depth = 0;
  for (let inner = value; typeof inner === "object" && inner !== null; depth++) {
    inner = Object.values(inner)[0];
  }
  return depth;
}

const circular: Record<string, unknown> = {};
circular.self = { circular };
const revoked = Proxy.revocable({}, {});
revoked.revoke();

/** Makes values that do not travel, by what they are. */
export const REFUSED: readonly (readonly [what: string, make: () => unknown])[] = [
  ["NaN", () => NaN],
  ["Infinity", () => Infinity],
  ["-Infinity", () => -Infinity],
  ["a bigint", () => 1n],
  ["a symbol", () => Symbol("s")],
  ["a function", () => () => {}],
  ["text with half a pair", () => "a\ud800"],
  ["text with the other half", () => "\udc00b".repeat(100)],
  ["a name with half a pair", () => ({ "\ud83d": 1 })],
  ["an own __proto__", () => JSON.parse('{"__proto__":{"polluted":true}}')],
  ["an own __proto__ of nothing", () => JSON.parse('{"a":[{"__proto__":null}]}')],
  ["a toJSON that gives __proto__", () => ({ toJSON: () => JSON.parse('{"__proto__":1}') })],
  ["undefined in a list", () => [1, undefined]],
  ["a hole", () => Object.assign([], { 3: 1 })],
  ["a list with nothing but holes", () => new Array(2 ** 32 - 1)],
  ["a map", () => new Map([[1, 2]])],
  ["a set", () => new Set([1])],
  ["a map that says it is an object", () => Object.assign(new Map(), { constructor: Object })],
  ["an iterator", () => new Map().keys()],
  ["an iterator of no named class", () => Object.create({ [Symbol.toStringTag]: "Odd Iterator" })],
  ["a weak map", () => new WeakMap()],
  ["an error", () => new Error("hunter2")],
  ["a promise", () => Promise.resolve()],
  ["a regular expression", () => /a/],
  ["a boxed number", () => Object(1)],
  ["a boxed bigint", () => Object(1n)],
  ["a date that is none", () => new Date(NaN)],
  ["a buffer", () => new ArrayBuffer(8)],
  ["a view", () => new DataView(new ArrayBuffer(8))],
  ["other typed arrays", () => new Float64Array(2)],
  ["bytes whose memory was given away", () => {
    const bytes = new Uint8Array(4);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  }],
  ["bytes beyond the end of their memory", () => {
    const memory = new ArrayBuffer(8, { maxByteLength: 8 });
    const bytes = new Uint8Array(memory, 4, 4);
    memory.resize(2);
    return bytes;
  }],
  ["a proxy of bytes", () => new Proxy(new Uint8Array(4), {})],
  ["an object that inherits from bytes", () => Object.create(Uint8Array.prototype)],
  ["an object that says it is bytes", () => ({ constructor: Uint8Array })],
  ["an object with a length that says it is bytes", () => ({ constructor: Uint8Array, length: 3 })],
  [
    "another typed array that says it is bytes",
    () => Object.assign(new Float64Array([1.5]), { constructor: Uint8Array }),
  ],
  ["a value inside itself", () => circular],
  ["lists too deep", () => nest(1_001, 1, "lists")],
  ["objects too deep", () => nest(1_001, 1, "objects")],
  ["bytes first, and too deep", () => [new Uint8Array(1), nest(1_001, 1, "lists")]],
  ["a toJSON that gives too deep a value", () => ({ toJSON: () => nest(1_001, 1, "objects") })],
  ["a toJSON that throws", () => ({
    toJSON() {
      throw new Error("hunter2");
    },
  })],
  ["a getter that throws", () => ({
    get a() {
      throw new Error("hunter2");
    },
  })],
  ["a getter that changes its mind for the worse", () => {
    let times = 0;
    return {
      toJSON: () => ({ a: times++ === 0 ? NaN : 1 }),
    };
  }],
  ["a revoked proxy", () => revoked.proxy],
  ["a proxy that throws", () =>
    new Proxy({}, {
      ownKeys() {
        throw new Error("hunter2");
      },
    })],
];

/** Values that do not travel, somewhere in one that does. */
export const refused: fc.Arbitrary<{ readonly what: string; readonly make: () => unknown }> = fc.tuple(
  fc.constantFrom(...REFUSED),
  fc.constantFrom<(value: unknown) => unknown>(
    (v) => v,
    (v) => [v],
    (v) => ({ a: v }),
    (v) => [{ b: [1, v] }],
  ),
  json,
).map(([[what, make], wrap]) => ({ what, make: () => wrap(make()) }));
