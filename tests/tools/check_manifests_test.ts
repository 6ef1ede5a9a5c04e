import { assertEquals, assertStringIncludes } from "@std/assert";
import { manifestProblems, type Manifests } from "../../tools/check_manifests.ts";
import { test } from "../harness.ts";

/** Manifests that agree, to be changed by each test. */
function agreeing(): Manifests {
  const identity = () => ({ name: "@a/b", version: "1.0.0", license: "MIT", exports: { ".": "./mod.ts" } });
  return {
    deno: {
      ...identity(),
      imports: {
        hono: "npm:hono@^4",
        "@scope/lib": "npm:@scope/lib@^1",
        "@std/assert": "jsr:@std/assert@^1",
      },
      links: ["./links/assert"],
    },
    jsr: identity(),
    package: { ...identity(), dependencies: { hono: "^4" }, devDependencies: { "@scope/lib": "^1" } },
    tsconfig: { compilerOptions: { paths: { "@std/assert": ["./links/assert/mod.ts"] } } },
    demo: { imports: { "@a/b": "../../mod.ts", hono: "npm:hono@^4", "hono/": "npm:/hono@^4/" } },
  };
}

/** The one problem that a change makes. */
function problemAfter(change: (manifests: Manifests) => void): string {
  const manifests = agreeing();
  change(manifests);
  const problems = manifestProblems(manifests);
  assertEquals(problems.length, 1, problems.join("; "));
  return problems[0];
}

test("manifests that agree have no problem", () => {
  assertEquals(manifestProblems(agreeing()), []);
});

test("another version, license, name or export in one manifest is named", () => {
  assertStringIncludes(
    problemAfter(({ jsr }) => jsr.version = "1.0.1"),
    `jsr.json and deno.json differ in "version"`,
  );
  assertStringIncludes(
    problemAfter(({ package: p }) => p.exports["./x"] = "./x.ts"),
    `package.json and deno.json`,
  );
});

test("a dependency that only one runtime gets, or gets in another range, is named", () => {
  assertEquals(
    problemAfter(({ package: p }) => p.dependencies.hono = "^3"),
    `"hono" is ^4 in deno.json, ^3 in package.json`,
  );
  assertEquals(
    problemAfter(({ package: p }) => p.devDependencies.zod = "^4"),
    `"zod" is absent in deno.json, ^4 in package.json`,
  );
  assertEquals(
    problemAfter(({ deno }) => delete deno.imports["@scope/lib"]),
    `"@scope/lib" is absent in deno.json, ^1 in package.json`,
  );
});

test("a JSR import without its offline stand-in on either runtime is named", () => {
  assertStringIncludes(problemAfter(({ deno }) => deno.links = []), "links of deno.json");
  assertStringIncludes(problemAfter(({ tsconfig }) => tsconfig.compilerOptions.paths = {}), "tsconfig.json");
});

test("imports of the demo from elsewhere, or in another range, are named", () => {
  assertEquals(
    problemAfter(({ demo }) => demo.imports.hono = "npm:hono@^3"),
    `"hono" is npm:hono@^4 in deno.json, npm:hono@^3 in the import map of the demo`,
  );
  assertEquals(
    problemAfter(({ demo }) => demo.imports["hono/"] = "npm:/hono@^3/"),
    `"hono/" is absent in deno.json, npm:/hono@^3/ in the import map of the demo`,
  );
  assertEquals(
    problemAfter(({ demo }) => demo.imports["@a/b"] = "../../old.ts"),
    `"@a/b" is ../../mod.ts in deno.json, ../../old.ts in the import map of the demo`,
  );
});
