/**
 * Asks the language service of a TypeScript for completions, and how long they take once it is warm. Run apart, in the folder of a
 * program that has the package: `complete.ts npm:typescript@VERSION`. Prints JSON.
 *
 * @module
 */

const { default: ts } = await import(Deno.args[0]!);

const contractOf = (entries: number): string => {
  const each = (make: (n: number) => string, share: number) =>
    Array.from({ length: Math.ceil(entries * share) }, (_, n) => make(n)).join("\n");
  return `import { createHub, defineContract } from "@trunkline/hub";
import { createClient } from "@trunkline/hub/client";
import { z } from "zod";
const payload = z.object({ n: z.number(), at: z.string().transform((text) => new Date(text)) });
export const contract = defineContract({
  shared: {
    topics: {
      ${each((n) => `plain${n}: { payload },`, 0.2)}
      ${each((n) => `"topic${n}/:id": { payload, history: { size: 8 } },`, 0.2)}
    },
  },
  roles: {
    member: {
      clientToServer: { ${each((n) => `say${n}: { input: payload, output: payload },`, 0.2)} },
      serverToClient: { ${each((n) => `event${n}: { payload },`, 0.4)} },
    },
  },
  rooms: { "chat/:id": { history: { size: 8 } } },
});
export { createHub };
export const hub = createHub(contract, { authenticate: () => ({ role: "member" }) });
export const client = createClient(contract, { url: "wss://host", role: "member" });
`;
};

/** A service for one program of two files, of which one is being edited. */
function serve(entries: number) {
  const texts = new Map([["contract.ts", contractOf(entries)], ["edited.ts", ""]]);
  let version = 0;
  const options = {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.esnext.disposable.d.ts"],
    skipLibCheck: true,
    types: [],
  };
  const folder = Deno.cwd();
  const nameOf = (path: string) => path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
  const service = ts.createLanguageService({
    ...ts.sys,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [...texts.keys()].map((name) => `${folder}/${name}`),
    getScriptVersion: (path: string) => nameOf(path) === "edited.ts" ? `${version}` : "0",
    getScriptSnapshot(path: string) {
      const text = texts.get(nameOf(path)) ?? ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    fileExists: (path: string) => texts.has(nameOf(path)) || ts.sys.fileExists(path),
    useCaseSensitiveFileNames: () => true,
    getCurrentDirectory: () => folder,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
  });
  return (code: string): string[] => {
    const text = `import { client, contract, hub, createHub } from "./contract.ts";\n${code}`;
    texts.set("edited.ts", text.replace("§", ""));
    version++;
    const found = service.getCompletionsAtPosition(`${folder}/edited.ts`, text.indexOf("§"), {});
    const names = (found?.entries ?? []).map(({ name }: { readonly name: string }) => name);
    return names.filter((name: string) => name !== ""); // what is written already
  };
}

const [few, many] = [serve(10), serve(200)];
const asked = [
  'client.on("§");',
  'client.topic("§");',
  'client.topic("topic1/:id", { §});',
  'hub.publish("§", {});',
  'hub.room("§", { id: 1 });',
  "hub.implement({ member: { §} });",
  "hub.implement({ member: { say0: (_, { conn }) => conn.§ } });",
  'createHub(contract, { authenticate: () => ({ role: "member" }), cluster: {}, §});',
  'createHub(contract, { authenticate: () => ({ role: "member" }), authorize: { "§": () => true } });',
  'createHub(contract, { authenticate: () => ({ role: "member", user: { id: "", age: 1 } }), rejoin: ({ conn }) => conn.user.§ });',
];
const offered = Object.fromEntries(asked.map((code) => [code, few(code).sort()]));

/** The median of several, each after an edit. */
function time(complete: (code: string) => string[]): number {
  const times: number[] = [];
  for (let n = 0; n < 15; n++) {
    const start = performance.now();
    complete(`${"\n".repeat(n)}client.on("§");`);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[7]!;
}
const [slowest, quickest] = [time(many), time(few)];
console.log(JSON.stringify({ offered, few: quickest, many: slowest }));
