/**
 * Who may import whom: the layers of the package, from the leaf up, as one table.
 *
 * @module
 */

import { posix } from "node:path";
import manifest from "../../deno.json" with { type: "json" };

/** One import as a layer judges it. */
interface Import {
  /** The importing file, relative to the repository's root. */
  readonly from: string;
  /** What is written between the quotes. */
  readonly specifier: string;
  /** The imported file relative to the root, when the specifier is a relative path. */
  readonly file: string | undefined;
  /** Whether only types are imported. */
  readonly typeOnly: boolean;
}

/** One layer: the files in it and what they may import. */
interface Layer {
  /** Starts of the paths that belong to the layer; a whole path for a layer of one file. */
  readonly paths: readonly string[];
  /** The rule in words, for the report. */
  readonly rule: string;
  allows(wanted: Import): boolean;
}

const SEAMS = ["adapters/adapter.ts", "transports/transport.ts"];
const HUB_DEFAULTS = ["adapters/memory.ts", "transports/websocket.ts"];
const SKINS = ["transports/deno.ts", "transports/bun.ts"];
/** Exported files of the two folders that are not themselves an adapter or a transport. */
const SHARED_ENTRIES = [...SEAMS, "adapters/envelope.ts"];

/** Every adapter and transport: what a user can import from their folders is one, the rest is their helper. */
const IMPLEMENTATIONS = Object.values(manifest.exports)
  .map((path) => path.replace("./", ""))
  .filter((path) => startsWith(path, "adapters/", "transports/") && !SHARED_ENTRIES.includes(path));

const LAYERS: readonly Layer[] = [
  {
    paths: ["contract/"],
    rule: "contract is a leaf and imports nothing but itself",
    allows: ({ file }) => startsWith(file, "contract/"),
  },
  {
    paths: ["codecs/"],
    rule: "a codec imports contract and its own library",
    allows: ({ file, specifier }) => startsWith(file, "contract/", "codecs/") || isLibrary(specifier),
  },
  {
    paths: SEAMS,
    rule: "a seam imports only types, and only from contract",
    allows: ({ file, typeOnly }) => typeOnly && startsWith(file, "contract/"),
  },
  {
    paths: ["hub/"],
    rule: "hub imports contract, the two seams, its default adapter and transport, and hono",
    allows: ({ file, specifier }) =>
      startsWith(file, "hub/", "contract/") || isOneOf(file, SEAMS) || isOneOf(file, HUB_DEFAULTS) ||
      /^hono(\/|$)/.test(specifier),
  },
  {
    paths: ["client/"],
    rule: "client imports contract and the transport seam, never the hub",
    allows: ({ file }) => startsWith(file, "client/", "contract/") || file === "transports/transport.ts",
  },
  {
    paths: ["adapters/"],
    rule:
      "an adapter imports its seam, helpers of its folder, contract and its own library, never another adapter",
    allows: ({ file, specifier }) =>
      startsWith(file, "contract/") || isHelper(file, "adapters/") || isLibrary(specifier) ||
      specifier.startsWith("node:"),
  },
  {
    paths: ["transports/"],
    rule:
      "a transport imports its seam, helpers of its folder, contract and its own library, never another transport",
    allows: ({ from, file, specifier }) =>
      startsWith(file, "contract/") || isHelper(file, "transports/") || isLibrary(specifier) ||
      (from === "transports/websocket.ts" && isOneOf(file, SKINS)),
  },
  {
    paths: ["mod.ts", "tests/conformance/"],
    rule: "published modules import published modules by relative path",
    allows: ({ file }) => isPublished(file),
  },
  {
    paths: ["examples/"],
    rule: "examples import the package by its name, as its users do",
    allows: ({ file }) => file === undefined || startsWith(file, "examples/"),
  },
  {
    // Before the rule for its folder. Outboxes, sequences and groups decide how fast a hub is and have no public name, so
    // whoever measures them alone has to reach in; everything with a name is imported by it here too.
    paths: ["bench/micro/"],
    rule:
      "micro-benchmarks import the package by its name, and the hub's parts, which have none, by relative path",
    allows: ({ file }) => file === undefined || startsWith(file, "bench/", "hub/"),
  },
  {
    paths: ["bench/"],
    rule: "benchmarks import the package by its name, as its users do; brokers they start with tools/brokers",
    allows: ({ file }) => file === undefined || startsWith(file, "bench/", "tools/brokers/"),
  },
];

/**
 * Judges one import.
 *
 * @param from The importing file, relative to the repository's root.
 * @param specifier What it imports.
 * @param typeOnly Whether only types are imported.
 * @returns The broken rule in words, or `undefined` when the import is allowed.
 */
export function brokenImportRule(from: string, specifier: string, typeOnly: boolean): string | undefined {
  const layer = LAYERS.find(({ paths }) => startsWith(from, ...paths));
  const file = specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined;
  return layer?.allows({ from, specifier, file, typeOnly }) === false ? layer.rule : undefined;
}

/**
 * Tells whether a file is part of the published package.
 *
 * @param file The file's path, relative to the repository's root.
 * @returns Whether its users get it.
 */
export function isPublished(file: string | undefined): boolean {
  return file === "mod.ts" ||
    startsWith(
      file,
      "contract/",
      "codecs/",
      "hub/",
      "client/",
      "transports/",
      "adapters/",
      "tests/conformance/",
    );
}

/**
 * Tells whether a file may use the globals of one runtime.
 *
 * @param file The file's path, relative to the repository's root.
 * @returns Whether it is one of the runtimes' skins.
 */
export function isRuntimeSkin(file: string): boolean {
  return SKINS.includes(file);
}

function startsWith(path: string | undefined, ...starts: string[]): boolean {
  return starts.some((start) => path?.startsWith(start));
}

function isOneOf(path: string | undefined, paths: readonly string[]): boolean {
  return path !== undefined && paths.includes(path);
}

function isHelper(path: string | undefined, folder: string): boolean {
  return startsWith(path, folder) && !isOneOf(path, IMPLEMENTATIONS);
}

/** A library named as the manifests name it: no relative path, no `node:`, `npm:` or address, nothing of this repository's own. */
function isLibrary(specifier: string): boolean {
  return !/^[./]|:/.test(specifier) && !startsWith(specifier, "@std/", manifest.name);
}
