/**
 * Types: how long the compiler takes to check a large contract with its server and its client.
 *
 * @module
 */

import { type Range, range } from "./range.ts";
import { verdict } from "./reach.ts";
import { type Registry, startRegistry } from "./registry.ts";
import type { Study } from "./study.ts";

/** The limit: so much longer than an empty file, in seconds. */
const LIMIT_S = 2;
/** The number of entries of the contract: a quarter each of requests, signals, events and topics. */
const ENTRIES = 200;
/** The number of entries of a small contract. Its time is the compiler's work on the package and on zod. */
const FEW_ENTRIES = 4;
const REPETITIONS = 3;

/** The origin of the package: a registry, as for users, or the sources in this repository. */
export type Origin = "registry" | "source";

/** The result for one program. */
export interface TypesRow {
  readonly program: string;
  readonly origin: Origin;
  readonly entries: number;
  /** How long `deno check` takes, in seconds. */
  readonly seconds: Range;
}

/** The source of a module with a contract of so many entries, its server and its client. */
export function largeProgram(entries: number): string {
  const each = (line: (i: number) => string) =>
    Array.from({ length: entries / 4 }, (_, i) => line(i)).join("\n");
  return `import { createHub, defineContract } from "@trunkline/hub";
import { createClient } from "@trunkline/hub/client";
import { z } from "zod";

const contract = defineContract({
  roles: {
    member: {
      clientToServer: {
${
    each((i) =>
      `request${i}: { input: z.object({ a${i}: z.string() }), output: z.object({ b${i}: z.number() }) },`
    )
  }
${each((i) => `signal${i}: { payload: z.object({ c${i}: z.boolean(), list: z.array(z.string()) }) },`)}
      },
      serverToClient: {
${each((i) => `event${i}: { payload: z.object({ d${i}: z.string(), at: z.number().optional() }) },`)}
      },
      topics: {
${each((i) => `"topic${i}/:id": { payload: z.object({ e${i}: z.string() }) },`)}
      },
    },
  },
});

const hub = createHub(contract, { authenticate: ({ role }) => ({ role }) });
hub.implement({
  member: {
${each((i) => `request${i}: ({ a${i} }) => ({ b${i}: a${i}.length }),`)}
${each((i) => `signal${i}: ({ c${i}, list }) => void (c${i} && list.length),`)}
  },
});
${each((i) => `hub.room("r").broadcast("event${i}", { d${i}: "x" });`)}
${each((i) => `hub.forRole("member").publish("topic${i}/1", { e${i}: "x" });`)}

const client = createClient(contract, { url: "ws://localhost", role: "member" });
${each((i) => `export const b${i}: number = (await client.request("request${i}", { a${i}: "x" })).b${i};`)}
${each((i) => `client.signal("signal${i}", { c${i}: true, list: [] });`)}
${each((i) => `client.on("event${i}", ({ d${i}, at }) => void (d${i}.length + (at ?? 0)));`)}
${each((i) => `client.subscribe("topic${i}/1", ({ e${i} }) => void e${i}.length);`)}
`;
}

/** A folder whose programs can import the package. */
interface Home extends AsyncDisposable {
  readonly origin: Origin;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A folder inside `bench/`, where the package's name means its sources: the compiler checks them too. */
async function homeAmongSources(): Promise<Home> {
  const folder = new URL(".tmp/types", import.meta.url).pathname;
  await Deno.mkdir(folder, { recursive: true });
  const remove = () => Deno.remove(folder, { recursive: true });
  return { origin: "source", folder, env: {}, [Symbol.asyncDispose]: remove };
}

/** The folder in which Deno keeps packages from npm. */
async function npmCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).npmCache;
}

/**
 * A project outside the repository, which gets the package from a registry. The compiler checks only the project's own
 * modules, and takes the package's types from its declarations. The project has its own cache, except for packages from npm.
 */
async function homeOfUser({ url, specifier }: Registry): Promise<Home> {
  const folder = await Deno.makeTempDir({ prefix: "trunkline-types-" });
  const cache = `${folder}/.deno`;
  await Deno.mkdir(cache);
  await Deno.symlink(await npmCache(), `${cache}/npm`);
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify({ imports: { "@trunkline/hub": `jsr:${specifier}`, "zod": imports.zod } }),
  );
  await Deno.copyFile(new URL("../deno.lock", import.meta.url), `${folder}/deno.lock`); // the same versions
  const remove = () => Deno.remove(folder, { recursive: true });
  return {
    origin: "registry",
    folder,
    env: { DENO_DIR: cache, JSR_URL: url },
    [Symbol.asyncDispose]: remove,
  };
}

/** Checks a program, without results of earlier checks in the cache. */
async function check({ folder, env }: Home, source: string): Promise<{ seconds: number; errors: string }> {
  const file = `${folder}/${crypto.randomUUID()}.ts`;
  await Deno.writeTextFile(file, `// ${crypto.randomUUID()}\n${source}`);
  const args = ["check", "--quiet", file];
  const start = performance.now();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder, env }).output();
  const seconds = (performance.now() - start) / 1_000;
  return { seconds, errors: success ? "" : new TextDecoder().decode(stderr) };
}

/**
 * Makes sure that the compiler finds the types: types that it cannot find take no time. A small program must pass, and a
 * program with a wrong payload must fail. This also fetches missing packages.
 */
async function checkThatTypesAreThere(home: Home): Promise<void> {
  const right = await check(home, largeProgram(FEW_ENTRIES));
  if (right.errors) throw new Error(`Cannot check a program (package from ${home.origin}): ${right.errors}`);
  const mistakes = [
    [`hub.room("r").broadcast("event0", { d0: 5 });`, "TS2322"],
    [`hub.room("r").broadcast("event1", { d1: "x" });`, "TS2345"],
    [`await client.request("request0", { a0: 5 });`, "TS2322"],
  ] as const;
  for (const [line, code] of mistakes) {
    const { errors } = await check(home, `${largeProgram(FEW_ENTRIES)}${line}\n`);
    if (errors.match(/TS\d+/)?.[0] === code) continue;
    throw new Error(
      `Cannot measure types that take ${line} (package from ${home.origin}): ${errors || "no error"}`,
    );
  }
}

/** The additional time of a program, compared with an empty file, with the package from one origin. */
function over(rows: readonly TypesRow[], origin: Origin, entries: number): number {
  const median = (count: number) =>
    rows.find((row) => row.origin === origin && row.entries === count)?.seconds.median ?? NaN;
  return median(entries) - median(0);
}

/** The study. */
export const types: Study<readonly TypesRow[]> = {
  name: "types",
  what: `deno check of a contract with ${ENTRIES} entries, its server and its client`,
  async run(_paths, say) {
    await using registry = await startRegistry();
    await using user = await homeOfUser(registry);
    await using among = await homeAmongSources();
    const programs = [
      ["an empty file", 0, "export {};\n"],
      ["a small program", FEW_ENTRIES, largeProgram(FEW_ENTRIES)],
      ["the program", ENTRIES, largeProgram(ENTRIES)],
    ] as const;
    const measured = [user, among].flatMap((home) =>
      programs.map(([program, entries, source]) => ({
        home,
        program,
        entries,
        source,
        taken: [] as number[],
      }))
    );
    for (const home of [user, among]) await checkThatTypesAreThere(home);
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      for (const { home, program, source, taken } of measured) {
        const { seconds, errors } = await check(home, source);
        if (errors) throw new Error(`Cannot check ${program} (package from ${home.origin}): ${errors}`);
        taken.push(seconds);
      }
    }
    const rows = measured.map(({ home: { origin }, program, entries, taken }): TypesRow => ({
      program,
      origin,
      entries,
      seconds: range(taken),
    }));
    for (const { program, origin, seconds } of rows) {
      say(`${program}, package from ${origin}: ${seconds.median} s [${seconds.min}, ${seconds.max}]`);
    }
    const longer = over(rows, "registry", ENTRIES);
    say(`difference ${longer.toFixed(2)} s, limit ${LIMIT_S} s`);
    return {
      rows,
      faults: longer <= LIMIT_S ? [] : [`types: ${longer.toFixed(2)} s, more than ${LIMIT_S} s`],
    };
  },
  reach: (rows) => [
    verdict(`${ENTRIES} entries, package from a registry`, over(rows, "registry", ENTRIES), {
      atMost: LIMIT_S,
    }, "s over an empty file"),
  ],
  report: (rows) => {
    const longer = (origin: Origin, entries: number) => `${over(rows, origin, entries).toFixed(2)} s`;
    return {
      text: [
        "| checked | package from | entries | seconds: median (range) |",
        "|---|---|---|---|",
        ...rows.map(({ program, origin, entries, seconds: { median, min, max } }) =>
          `| ${program} | ${origin} | ${entries} | ${median} (${min}–${max}) |`
        ),
        "",
        `With the package from a registry, as users have it, the program takes ${
          longer("registry", ENTRIES)
        } ` +
        `longer than an empty file. Of this, ${
          longer("registry", FEW_ENTRIES)
        } go into the types of the package ` +
        `and of zod. The limit is ${LIMIT_S} s. The registry runs on this machine and speaks JSR's protocol. ` +
        "All files are fetched before the clock starts.",
        "",
        `With the package's sources instead, which the compiler checks too, the program takes ` +
        `${longer("source", ENTRIES)} longer. Of this, ${
          longer("source", FEW_ENTRIES)
        } go into the package and zod. ` +
        "Only the authors of the package wait this long, so there is no limit.",
      ].join("\n"),
    };
  },
};
