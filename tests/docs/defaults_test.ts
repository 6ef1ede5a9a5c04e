import { assert, assertEquals } from "@std/assert";
import { limits as readLimits } from "../../hub/session/limits.ts";
import { test } from "../harness.ts";
import { readDocument } from "./markdown.ts";

/** The option and the default of each row of the tables of a page of the guide, or of what is under a heading of it. */
async function tableOf(page: string, heading?: string): Promise<Map<string, string>> {
  const text = await readDocument(`docs/guide/${page}.md`);
  const section = heading === undefined ? text : text.split(`\n## ${heading}\n`)[1] ?? "";
  const rows = (heading === undefined ? section : section.split("\n## ")[0]!).matchAll(
    /^\| `([\w.]+)` \| ([^|]+) \|/gm,
  );
  return new Map(Array.from(rows, ([, option, value]) => [option!, value!.trim()]));
}

/** The options of an interface that have a default, as its comments say. */
async function documentedIn(path: string, name: string): Promise<Map<string, string>> {
  const source = await readDocument(path);
  const [, body = ""] = source.match(new RegExp(`^export interface ${name}\\b.*?\\{\n(.*?)^\\}`, "ms")) ?? [];
  assert(body !== "", `${name} is in ${path}`);
  const found = new Map<string, string>();
  let value: string | undefined;
  for (const line of body.split("\n")) {
    const [, option] = line.match(/^ +(?:readonly )?(\w+)\??[:(]/) ?? [];
    value = line.match(/@default \{(.*)\}$/)?.[1] ?? value;
    if (!option) continue;
    if (value !== undefined) found.set(option, value.replaceAll("_", ""));
    value = undefined;
  }
  return found;
}

const without = (options: Map<string, string>, ...names: string[]): [string, string][] =>
  [...options].filter(([name]) => !names.includes(name));

const within = (outer: string, options: Map<string, string>): [string, string][] =>
  Array.from(options, ([name, value]) => [`${outer}.${name}`, value]);

test("the guide's table of limits has every limit, with the value that a hub uses", async () => {
  const { outbox, ...limits } = readLimits(undefined, { owner: "createHub", path: "limits" });
  const used = [
    ...Object.entries(limits),
    ...Object.entries(outbox).map(([name, value]) => [`outbox.${name}`, value] as const),
  ];
  const sorted = (entries: Iterable<readonly [string, unknown]>) => [...entries].map(String).sort();
  assertEquals(sorted(await tableOf("limits")), sorted(used));
});

test("the comments on the limits name the values that a hub uses", async () => {
  const limits = await documentedIn("hub/api/limits.ts", "HubLimits");
  const outbox = await documentedIn("hub/api/limits.ts", "HubOutboxLimits");
  assertEquals([...limits, ...within("outbox", outbox)].sort(), [...await tableOf("limits")].sort());
});

test("the guide's tables of options have every option with a default, and that default", async () => {
  const hub = await documentedIn("hub/api/options.ts", "HubBaseOptions");
  const cluster = await documentedIn("hub/api/options.ts", "HubClusterOptions");
  assertEquals(
    [...await tableOf("options", "Options of the hub")].sort(),
    [
      ...without(hub, "transports", "adapter", "history", "onError", "origins", "address", "clock"),
      ...within("cluster", cluster),
    ].sort(),
  );
  const presence = await documentedIn("hub/api/presence_options.ts", "PresenceBaseOptions");
  assertEquals([...await tableOf("presence")].sort(), within("presence", presence).sort());
  const client = await documentedIn("client/options.ts", "ClientOptions");
  const reconnect = await documentedIn("client/reconnect.ts", "ReconnectOptions");
  assertEquals(
    [...await tableOf("options", "Options of the client")].sort(),
    [
      ...without(client, "onError", "transport", "clock", "random"),
      ...within("reconnect", reconnect),
    ].sort(),
  );
});
