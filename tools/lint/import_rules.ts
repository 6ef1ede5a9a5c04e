/**
 * The layers of the package, and which files they may import, from the lowest layer up, in one table.
 *
 * @module
 */

import { posix } from "node:path";
import manifest from "../../deno.json" with { type: "json" };

/** An import. */
interface Import {
  /** The importing file, relative to the repository's root. */
  readonly from: string;
  /** The text between the quotes. */
  readonly specifier: string;
  /** The imported file relative to the root, if the specifier is a relative path. */
  readonly file: string | undefined;
  /** Whether only types are imported. */
  readonly typeOnly: boolean;
}

/** A layer: its files, and the imports that they may have. */
interface Layer {
  /** The beginnings of the paths in the layer; a whole path for a layer of one file. */
  readonly paths: readonly string[];
  /** The rule in words, for the report. */
  readonly rule: string;
  allows(wanted: Import): boolean;
}

const SEAMS = [
  "adapters/adapter.ts",
  "adapters/history_store.ts",
  "adapters/presence_store.ts",
  "transports/transport.ts",
];
const HUB_DEFAULTS = ["adapters/memory.ts", "adapters/memory_history/mod.ts", "transports/websocket/mod.ts"];
/** The part of the default transport in the public types of the hub. */
const HUB_TYPES = ["transports/websocket/bun_handler.ts"];
const SKINS = ["transports/websocket/deno.ts", "transports/websocket/bun.ts"];

/** The layers of the hub, from the lowest. A folder imports from layers below it, not from folders beside it. */
const HUB_FLOORS: readonly (readonly string[])[] = [
  ["hub/api/"],
  ["hub/outbox/"],
  ["hub/connection/"],
  ["hub/backplane/"],
  ["hub/groups/", "hub/nodes/"],
  ["hub/topics/", "hub/presence/"],
  ["hub/session/"],
  ["hub/directory/"],
  ["hub/http/"],
];

const LAYERS: readonly Layer[] = [
  {
    paths: ["contract/"],
    rule: "contract imports only its own files",
    allows: ({ file }) => startsWith(file, "contract/"),
  },
  {
    paths: ["codecs/"],
    rule: "a codec imports contract and its own library",
    allows: ({ file, specifier }) => startsWith(file, "contract/", "codecs/") || isLibrary(specifier),
  },
  {
    paths: SEAMS,
    rule: "an interface file imports only types, from contract and from other interface files of its folder",
    allows: ({ from, file, typeOnly }) =>
      typeOnly &&
      (startsWith(file, "contract/") ||
        (file !== undefined && isOneOf(file, SEAMS) && folderOf(file) === folderOf(from))),
  },
  ...HUB_FLOORS.flatMap((folders, floor) => folders.map((folder) => hubFloor(folder, floor))),
  {
    paths: ["hub/"],
    rule: "hub imports contract, the interface files, its default adapter and transport, and hono",
    allows: ({ file, specifier }) =>
      startsWith(file, "hub/") || isOneOf(file, HUB_DEFAULTS) || isBelowHub(file, specifier),
  },
  {
    paths: ["client/"],
    rule: "client imports contract and the transport interface, never the hub",
    allows: ({ file }) => startsWith(file, "client/", "contract/") || file === "transports/transport.ts",
  },
  ...["adapters/", "transports/"].map((folder): Layer => ({
    paths: [`${folder}kit/`],
    rule: "a kit imports its interface files, contract and libraries, never an adapter or a transport",
    allows: ({ file, specifier }) =>
      startsWith(file, `${folder}kit/`) || isBelowKits(file, folder) || isOutside(specifier, folder),
  })),
  ...["adapters/", "transports/"].map((folder): Layer => ({
    paths: [folder],
    rule:
      `each folder or file of ${folder} imports its interface files, its kit, its own files, contract and its ` +
      "library, never another adapter or transport",
    allows: ({ from, file, specifier }) =>
      startsWith(file, `${folder}kit/`) || isBelowKits(file, folder) || isOutside(specifier, folder) ||
      (folderOf(from) !== folder && startsWith(file, folderOf(from))),
  })),
  {
    paths: ["mod.ts", "conformance/"],
    rule: "published modules import published modules by relative path",
    allows: ({ file }) => isPublished(file),
  },
  {
    paths: ["examples/"],
    rule: "examples import the package by its name, as its users do",
    allows: ({ file }) => file === undefined || startsWith(file, "examples/"),
  },
  {
    // This must come before the rule for its folder. Outboxes, sequences, groups and inboxes decide the speed of a hub, but have no
    // public name, so micro-benchmarks import them by path. They import everything else by its public name.
    paths: ["bench/micro/"],
    rule:
      "micro-benchmarks import the package by its name, and the parts of hub and adapters, which have none, by relative path",
    allows: ({ file }) =>
      file === undefined ||
      startsWith(file, "bench/", "hub/", "adapters/kit/", "adapters/redis_cluster/mail.ts"),
  },
  {
    paths: ["bench/"],
    rule: "benchmarks import the package by its name, as its users do; brokers they start with tools/brokers",
    allows: ({ file }) => file === undefined || startsWith(file, "bench/", "tools/brokers/"),
  },
];

/**
 * Checks one import.
 *
 * @param from The importing file, relative to the repository's root.
 * @param specifier The imported module.
 * @param typeOnly Whether only types are imported.
 * @returns The broken rule in words, or `undefined` if the import is allowed.
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
 * @returns Whether it is published.
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
      "conformance/",
    );
}

/**
 * Tells whether a file may use the globals of one runtime.
 *
 * @param file The file's path, relative to the repository's root.
 * @returns Whether it is one of the files for a single runtime.
 */
export function isRuntimeSkin(file: string): boolean {
  return SKINS.includes(file);
}

/** The layer of one folder of the hub. */
function hubFloor(folder: string, floor: number): Layer {
  const below = HUB_FLOORS.slice(0, floor).flat();
  return {
    paths: [folder],
    rule: `${folder} imports only from the floors of the hub below it: ${
      below.join(", ") || "there are none"
    }`,
    allows: ({ file, specifier, typeOnly }) =>
      startsWith(file, folder, ...below) || isBelowHub(file, specifier) ||
      (typeOnly && isOneOf(file, HUB_TYPES)),
  };
}

function isBelowHub(file: string | undefined, specifier: string): boolean {
  return startsWith(file, "contract/") || isOneOf(file, SEAMS) || /^hono(\/|$)/.test(specifier);
}

function isBelowKits(file: string | undefined, folder: string): boolean {
  return startsWith(file, "contract/") || (isOneOf(file, SEAMS) && startsWith(file, folder));
}

/** Only adapters may import Node's modules, because their libraries use them. */
function isOutside(specifier: string, folder: string): boolean {
  return isLibrary(specifier) || (folder === "adapters/" && specifier.startsWith("node:"));
}

/** The folder of a file, down to the second level: deeper folders belong to the same adapter or transport. */
function folderOf(path: string): string {
  return path.split("/").slice(0, -1).slice(0, 2).join("/") + "/";
}

function startsWith(path: string | undefined, ...starts: string[]): boolean {
  return starts.some((start) => path?.startsWith(start));
}

function isOneOf(path: string | undefined, paths: readonly string[]): boolean {
  return path !== undefined && paths.includes(path);
}

/** Whether a specifier is a library of the manifests: no relative path, no `node:`, `npm:` or address, and no file of this repository. */
function isLibrary(specifier: string): boolean {
  return !/^[./]|:/.test(specifier) && !startsWith(specifier, "@std/", manifest.name);
}
