import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { compilePattern, PatternTable } from "../../contract/mod.ts";
import { test } from "../harness.ts";
import { AWKWARD, text } from "./arbitraries.ts";
import { assertPrototypesUntouched, runs } from "./runs.ts";

/** A segment between two slashes of a name. */
const segment = text.map((value) => value.replaceAll("/", "")).filter((value) => value !== "");
const literal = segment.filter((value) => !value.startsWith(":"));
const paramName = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "_", "a1"),
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,6}$/),
);

interface Sample {
  readonly pattern: string;
  readonly name: string;
  readonly params: ReadonlyMap<string, string>;
  readonly literals: readonly number[];
}

/** A pattern, and a name made from it. */
const sample: fc.Arbitrary<Sample> = fc.array(
  fc.oneof(
    literal.map((value) => ({ param: undefined, value })),
    fc.record({ param: paramName, value: segment }),
  ),
  { minLength: 1, maxLength: 5 },
).filter((parts) => {
  const names = parts.flatMap(({ param }) => param ?? []);
  return new Set(names).size === names.length;
}).map((parts) => ({
  pattern: parts.map(({ param, value }) => param === undefined ? value : `:${param}`).join("/"),
  name: parts.map(({ value }) => value).join("/"),
  params: new Map(parts.flatMap(({ param, value }) => param === undefined ? [] : [[param, value]])),
  literals: parts.flatMap(({ param }, i) => param === undefined ? [i] : []),
}));

test("a name built from a pattern fits it and gives back its parameters", () => {
  fc.assert(
    fc.property(sample, ({ pattern, name, params }) => {
      const found = compilePattern(pattern).match(name);
      assert(found);
      assertEquals(new Map(Object.entries(found)), params);
      assertEquals(Object.getPrototypeOf(found), null);
    }),
    runs(),
  );
  assertPrototypesUntouched();
});

test("a name fits segment by segment: no more, no fewer, none that is empty, none that differs", () => {
  fc.assert(
    fc.property(sample, segment, fc.nat(), ({ pattern, name, literals }, other, at) => {
      const compiled = compilePattern(pattern);
      const parts = name.split("/");
      assertEquals(compiled.match(`${name}/${other}`), undefined);
      assertEquals(compiled.match(`${name}/`), undefined);
      assertEquals(compiled.match(`/${name}`), undefined);
      assertEquals(compiled.match(parts.slice(1).join("/")), undefined);
      assertEquals(compiled.match(parts.with(at % parts.length, "").join("/")), undefined);
      for (const i of literals) {
        if (parts[i] !== other) assertEquals(compiled.match(parts.with(i, other).join("/")), undefined);
      }
    }),
    runs(),
  );
});

test("names that look similar, or like a prototype's own properties, are plain names", () => {
  for (const name of AWKWARD.filter((name) => name !== "" && !name.startsWith(":"))) {
    for (const other of AWKWARD) {
      assertEquals(compilePattern(name).match(other) !== undefined, name === other, `${name} and ${other}`);
    }
    assertEquals(compilePattern("topic/:__proto__").match(`topic/${name}`)?.["__proto__"], name);
  }
  const table = new PatternTable<number>();
  assertEquals(table.find("__proto__"), undefined);
  assertEquals(table.find("constructor"), undefined);
});

test("malformed patterns are refused, with the pattern and its error", () => {
  for (const pattern of ["", "/", "a/", "/a", "a//b"]) {
    assertThrows(() => compilePattern(pattern), TypeError, `"${pattern}": it has an empty segment`);
  }
  for (const name of ["", "1", "a-b", "é", "a b", ":a", "a?", "*"]) {
    assertThrows(() => compilePattern(`a/:${name}`), TypeError, `":${name}" is not a parameter name`);
  }
  assertThrows(() => compilePattern(":a/b/:a"), TypeError, 'the parameter "a" is in it twice');
});

/** Patterns of so few words that a naive answer can be had by trying every name. */
const smallPattern = fc.array(fc.constantFrom("a", "b", ":x", ":y"), { minLength: 1, maxLength: 3 })
  .filter((parts) =>
    new Set(parts.filter((p) => p[0] === ":")).size === parts.filter((p) => p[0] === ":").length
  )
  .map((parts) => parts.join("/"));
const WORDS = ["a", "b", "c"];
const NAMES = [1, 2, 3].flatMap((size) =>
  Array.from(
    { length: WORDS.length ** size },
    (_, n) =>
      Array.from({ length: size }, (_, i) => WORDS[Math.floor(n / WORDS.length ** i) % WORDS.length]).join(
        "/",
      ),
  )
);

function fits(pattern: string, name: string): boolean {
  const [p, n] = [pattern.split("/"), name.split("/")];
  return p.length === n.length && p.every((part, i) => part[0] === ":" || part === n[i]);
}

test("a table refuses a pattern if a name could fit it and another one, and finds the same as a naive search", () => {
  fc.assert(
    fc.property(fc.array(smallPattern, { maxLength: 8 }), (patterns) => {
      const table = new PatternTable<string>();
      const kept: string[] = [];
      for (const pattern of patterns) {
        const plain = !pattern.includes(":");
        const rival = kept.find((other) =>
          plain === !other.includes(":") && NAMES.some((name) => fits(pattern, name) && fits(other, name))
        );
        if (rival === undefined) {
          table.add(pattern, pattern);
          kept.push(pattern);
        } else {
          const error = assertThrows(() => table.add(pattern, pattern), TypeError);
          assert(
            error.message.includes(`"${pattern}"`) && error.message.includes(`"${rival}"`),
            error.message,
          );
        }
      }
      for (const name of NAMES) {
        const expected = kept.includes(name) ? name : kept.find((pattern) => fits(pattern, name));
        assertEquals(table.find(name)?.value, expected, name);
      }
    }),
    runs(500),
  );
});

test("a literal comes before a pattern that it fits too, whichever was declared first", () => {
  for (const order of [["ticker/ACME", "ticker/:symbol"], ["ticker/:symbol", "ticker/ACME"]]) {
    const table = new PatternTable<string>();
    for (const pattern of order) table.add(pattern, pattern);
    assertEquals(table.find("ticker/ACME"), { value: "ticker/ACME", params: Object.create(null) });
    assertEquals(table.find("ticker/OTHER")?.value, "ticker/:symbol");
    assertEquals(table.find("ticker/OTHER")?.params.symbol, "OTHER");
  }
});

test("a refused pattern leaves the table as it was", () => {
  const table = new PatternTable<number>();
  table.add("a/:x", 1);
  assertThrows(
    () => table.add("a/:y", 2),
    TypeError,
    'Cannot declare "a/:y" beside "a/:x": a name could fit both',
  );
  assertThrows(() => table.add("b//c", 3), TypeError);
  assertEquals(table.find("a/1")?.value, 1);
  assertEquals(table.find("b//c"), undefined);
});

test("a name of a million slashes fits nothing, and costs no more than its length", () => {
  const table = new PatternTable<number>();
  table.add("a/:x", 1);
  assertEquals(table.find("/".repeat(1_000_000)), undefined);
});
