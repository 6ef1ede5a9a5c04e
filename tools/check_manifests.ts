/**
 * Checks that the manifests of Deno, JSR and Bun agree: each runtime reads its own.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { exists, readJson } from "./files.ts";

type Table = Record<string, string>;

/** The common fields of all manifests. */
interface Identity {
  name: string;
  version: string;
  license: string;
  exports: Table;
}

/** The compared parts of the manifests. */
export interface Manifests {
  deno: Identity & { imports: Table; links: string[] };
  jsr: Identity;
  package: Identity & { dependencies: Table; devDependencies: Table };
  tsconfig: { compilerOptions: { paths: Record<string, string[]> } };
  /** The demo's imports: it fetches its own packages, and only those that it needs. */
  demo: { imports: Table };
}

/**
 * Compares the manifests.
 *
 * @param manifests The manifests' content.
 * @returns The differences, one line each.
 */
export function manifestProblems(manifests: Manifests): string[] {
  const { deno, tsconfig } = manifests;
  return [
    ...identityProblems("jsr.json", manifests.jsr, deno),
    ...identityProblems("package.json", manifests.package, deno),
    ...dependencyProblems(manifests),
    ...standInProblems(deno, tsconfig.compilerOptions.paths),
    ...demoProblems(deno, manifests.demo.imports),
  ];
}

function identityProblems(file: string, manifest: Identity, deno: Identity): string[] {
  return (["name", "version", "license", "exports"] as const)
    .filter((field) => !isDeepStrictEqual(manifest[field], deno[field]))
    .map((field) => `${file} and deno.json differ in "${field}"`);
}

/** Bun's dependencies are Deno's npm imports, by the same name and in the same range. */
function dependencyProblems({ deno, package: { dependencies, devDependencies } }: Manifests): string[] {
  const ofBun = { ...dependencies, ...devDependencies };
  const ofDeno: Table = {};
  for (const [name, target] of Object.entries(deno.imports)) {
    const range = target.match(/^npm:(.+)@([^@/]+)$/);
    if (range?.[1] === name) ofDeno[name] = range[2];
  }
  return [...new Set([...Object.keys(ofBun), ...Object.keys(ofDeno)])]
    .filter((name) => ofBun[name] !== ofDeno[name])
    .map((name) =>
      `"${name}" is ${ofDeno[name] ?? "absent"} in deno.json, ${ofBun[name] ?? "absent"} in package.json`
    );
}

/** Each JSR import has a local stand-in that Deno finds by `links` and Bun by `paths`. */
function standInProblems({ imports, links }: Manifests["deno"], paths: Record<string, string[]>): string[] {
  return Object.entries(imports).filter(([, target]) => target.startsWith("jsr:")).flatMap(([name]) => {
    const link = `./links/${name.split("/").pop()}`;
    return [
      ...(links.includes(link) ? [] : [`"${name}" has no stand-in "${link}" in the links of deno.json`]),
      ...(paths[name]?.[0] === `${link}/mod.ts`
        ? []
        : [`"${name}" has no path "${link}/mod.ts" in tsconfig.json`]),
    ];
  });
}

/** The demo must import the package's entries from their files, and libraries in the same range. */
function demoProblems({ name, exports, imports }: Manifests["deno"], ofDemo: Table): string[] {
  const wanted = new Map(Object.entries(imports));
  for (const [entry, path] of Object.entries(exports)) {
    wanted.set(`${name}${entry.slice(1)}`, `../../${path.slice(2)}`);
  }
  return Object.entries(ofDemo).filter(([specifier, target]) => {
    const whole = wanted.get(specifier.replace(/\/$/, ""))?.replace(/^npm:/, "npm:/").concat("/");
    return target !== wanted.get(specifier) && target !== whole;
  }).map(([specifier, target]) =>
    `"${specifier}" is ${
      wanted.get(specifier) ?? "absent"
    } in deno.json, ${target} in the import map of the demo`
  );
}

/** The exported files that do not exist. */
async function exportProblems(entries: Table): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, path] of Object.entries(entries)) {
    if (!await exists(path)) problems.push(`The export "${name}" names a file that does not exist: ${path}`);
  }
  return problems;
}

if (import.meta.main) {
  const manifests: Manifests = {
    deno: await readJson("deno.json"),
    jsr: await readJson("jsr.json"),
    package: await readJson("package.json"),
    tsconfig: await readJson("tsconfig.json"),
    demo: await readJson("examples/demo/import_map.json"),
  };
  const problems = [...manifestProblems(manifests), ...await exportProblems(manifests.deno.exports)];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
}
