/**
 * A client on an engine without what engines of phones and of older browsers do not have.
 *
 * @module
 */

/** Like React Native's `URL`: it adds a slash, and throws when any part is read. */
class PoorUrl {
  readonly href: string;

  constructor(url: string) {
    if (!/^[a-z]+:/.test(url)) throw new TypeError(`Invalid base URL: ${url}`);
    this.href = url.endsWith("/") ? url : `${url}/`;
  }

  get protocol(): string {
    throw new Error("URL.protocol is not implemented");
  }

  toString(): string {
    return this.href;
  }
}

const MISSING: readonly (readonly [owner: object, ...names: string[]])[] = [
  [Promise, "withResolvers", "try", "any", "allSettled"],
  [TextEncoder.prototype, "encodeInto"],
  [AbortSignal, "any", "timeout", "abort"],
  [AbortSignal.prototype, "throwIfAborted", "reason"],
  [Array.prototype, "at", "findLast", "findLastIndex", "toSorted", "toReversed", "with"],
  [Uint8Array.prototype, "toBase64"],
  [Uint8Array, "fromBase64"],
  [String.prototype, "at", "isWellFormed", "toWellFormed"],
  [Object, "hasOwn", "groupBy"],
  [Map, "groupBy"],
  [Set.prototype, "union", "difference", "isSubsetOf"],
  [crypto, "randomUUID"],
  [Object.getPrototypeOf(crypto), "randomUUID"],
  [globalThis, "structuredClone", "TextEncoder", "TextDecoder", "Iterator", "WeakRef", "reportError"],
];

addEventListener("message", async ({ data }) => {
  try {
    postMessage(await run(data));
  } catch (error) {
    postMessage(`${(error as Error).stack}`);
  }
});

async function run(url: string): Promise<unknown> {
  for (const [owner, ...names] of MISSING) for (const name of names) Reflect.deleteProperty(owner, name);
  (globalThis as { URL: unknown }).URL = PoorUrl;
  const { contract } = await import("./engine_contract.ts");
  const { createClient } = await import("../../client/mod.ts");

  const urls = [url, url.replace("ws:", "http:")];
  const client = createClient(contract, { url: urls, role: "member", reconnect: { baseMs: 1, maxMs: 5 } });
  const seen: unknown[] = [];
  let opened = 0;
  client.onOpen(() => (opened++, client.request("echo", "greeting")));
  client.implement({ ask: (question) => `${question}!` });
  client.on("told", (event) => seen.push(event));
  const sub = client.subscribe("ticks", (tick) => seen.push(tick));
  await sub.ready;
  seen.push(await client.request("echo", "é".repeat(40_000)) === "é".repeat(40_000));
  seen.push(await client.request("echo", new Uint8Array([1, 2])).then(String));
  const aborted = new AbortController();
  const given = client.request("never", "up", { signal: aborted.signal }).catch((error) => error.name);
  aborted.abort();
  seen.push(await given);
  seen.push(await client.request("echo", "up", { signal: aborted.signal }).catch((error) => error.name));
  await client.request("drop", "").catch((error) => seen.push(error.code));
  seen.push(await client.request("echo", "again"));
  seen.push(await client.request("ask", "you"));
  await client.close();
  seen.push(opened, client.status, await client.closed);
  return seen;
}
