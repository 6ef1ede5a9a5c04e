import { assertEquals } from "@std/assert";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { CLOSE_CODES, ERROR_CODES, jsonCodec, mayReconnect } from "@trunkline/hub/contract";
import { readFile } from "node:fs/promises";
import { test } from "../harness.ts";

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const text = await read("docs/protocol.md");
const wire = await read("contract/wire.ts");

/** The rows of the tables under a heading, cell by cell; code marks are taken off, and the heads. */
function rowsUnder(heading: string): string[][] {
  const [, section = ""] = text.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return own.split("\n").filter((line) => line.startsWith("| ")).slice(2)
    .map((line) => line.slice(2, -2).split(" | ").map((cell) => cell.trim().replace(/^`(.*)`$/, "$1")));
}

/** The messages of one type of `contract/wire.ts`: the kind, and the names of the elements after it. */
function kindsOf(type: string): Map<string, string[]> {
  const [, union = ""] = wire.match(new RegExp(`export type ${type} =\n(.*?);\n`, "s")) ?? [];
  const kinds = union.matchAll(/readonly \[kind: "(\w+)"(?:, ([^\]]*))?\]/g);
  return new Map(
    Array.from(kinds, ([, kind, rest = ""]) => [kind!, rest.split(", ").filter(Boolean)]),
  );
}

test("the document lists every codec", () => {
  const documented = rowsUnder("Connecting").map(([subprotocol]) => subprotocol).slice(0, 2);
  assertEquals(documented, [jsonCodec.subprotocol, msgpackCodec.subprotocol]);
});

test("the document lists every kind of message, its sender and its number of elements", () => {
  const calls = kindsOf("CallMessage");
  const [client, server] = [kindsOf("ClientMessage"), kindsOf("ServerMessage")];
  assertEquals([calls.size, client.size, server.size], [6, 10, 14]); // as many as there are to be parsed
  const expected = [
    ...[...calls].map(([kind, elements]) => [kind, "both", elements.length]),
    ...[...client].map(([kind, elements]) => [kind, "client", elements.length]),
    ...[...server].map(([kind, elements]) => [kind, "server", elements.length]),
  ];
  const documented = rowsUnder("All messages")
    .map(([kind, by, elements]) => [kind, by, elements === "none" ? 0 : elements!.split(", ").length]);
  const sorted = (rows: unknown[][]) => rows.map((row) => row.join(" ")).sort();
  assertEquals(sorted(documented), sorted(expected));
});

test("the document shows an example of every kind of message", () => {
  const kinds = ["CallMessage", "ClientMessage", "ServerMessage"].flatMap((
    type,
  ) => [...kindsOf(type).keys()]);
  assertEquals(kinds.filter((kind) => !text.includes(`["${kind}"`)), []);
});

test("the document lists every error code", () => {
  assertEquals(rowsUnder("Errors").map(([code]) => code), [...ERROR_CODES]);
});

test("the document lists every close code, and whether to reconnect", () => {
  const documented = rowsUnder("Close codes").map((
    [code, name, reconnect],
  ) => [Number(code), name, reconnect]);
  const expected = Object.entries(CLOSE_CODES)
    .sort(([, a], [, b]) => a - b)
    .map(([name, code]) => [code, name, mayReconnect(code) ? "yes" : "no"]);
  assertEquals(documented, expected);
});

test("the contract in the document is that of the hub which the session is replayed against", async () => {
  const [, contract = "none"] = text.match(/^The contract:\n\n```ts\n(.*?)```$/ms) ?? [];
  assertEquals((await read("tests/docs/session_hub.ts")).includes(contract), true);
});
