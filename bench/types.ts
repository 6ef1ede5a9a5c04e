/**
 * Types: how long the compiler takes over a large contract with its server and its client.
 *
 * @module
 */

import { type Range, range } from "./range.ts";
import type { Study } from "./study.ts";

/** How much longer than an empty file it may take, in seconds. */
const LIMIT_S = 2;
/** How many entries the contract has; a quarter each of requests, signals, events and topics. */
const ENTRIES = 200;
/** How many a small one has: what it takes is the compiler's work on the package and on zod. */
const FEW_ENTRIES = 4;
const REPETITIONS = 3;

/** What was measured. */
export interface TypesRow {
  readonly program: string;
  readonly entries: number;
  /** How long `deno check` takes, in seconds. */
  readonly seconds: Range;
}

/** A contract with so many entries, in a module with its server and its client. */
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

/** Checks a program; what was checked before is never taken from the cache. */
async function check(folder: string, source: string): Promise<number> {
  const file = `${folder}/${crypto.randomUUID()}.ts`;
  await Deno.writeTextFile(file, `// ${crypto.randomUUID()}\n${source}`);
  const start = performance.now();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args: ["check", "--quiet", file] })
    .output();
  const seconds = (performance.now() - start) / 1_000;
  if (!success) throw new Error(`Cannot check the program: ${new TextDecoder().decode(stderr)}`);
  return seconds;
}

/** The study. */
export const types: Study<readonly TypesRow[]> = {
  name: "types",
  what: `deno check of a contract with ${ENTRIES} entries, its server and its client`,
  async run(_paths, say) {
    // In this folder, as programs elsewhere do not find the package by its name.
    const folder = new URL(".tmp/types", import.meta.url).pathname;
    await Deno.mkdir(folder, { recursive: true });
    const programs = [
      ["an empty file", 0, "export {};\n"],
      ["a small program", FEW_ENTRIES, largeProgram(FEW_ENTRIES)],
      ["the program", ENTRIES, largeProgram(ENTRIES)],
    ] as const;
    const taken: number[][] = programs.map(() => []);
    try {
      for (let repetition = 0; repetition < REPETITIONS; repetition++) {
        for (const [i, [, , source]] of programs.entries()) taken[i]!.push(await check(folder, source));
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    const rows = programs.map(([program, entries], i) => ({ program, entries, seconds: range(taken[i]!) }));
    for (const { program, seconds } of rows) {
      say(`${program}: ${seconds.median} s [${seconds.min}, ${seconds.max}]`);
    }
    const over = rows.at(-1)!.seconds.median - rows[0]!.seconds.median;
    say(`difference ${over.toFixed(2)} s, limit ${LIMIT_S} s`);
    return { rows, faults: over > LIMIT_S ? [`types: ${over.toFixed(2)} s, more than ${LIMIT_S} s`] : [] };
  },
  report: (rows) => {
    const [empty, small, program] = rows.map(({ seconds }) => seconds.median);
    return {
      text: [
        "| checked | entries | seconds: median (range) |",
        "|---|---|---|",
        ...rows.map(({ program, entries, seconds: { median, min, max } }) =>
          `| ${program} | ${entries} | ${median} (${min}–${max}) |`
        ),
        "",
        `The program takes ${(program! - empty!).toFixed(2)} s longer than an empty file, of which ` +
        `${(small! - empty!).toFixed(2)} s are the package and zod themselves; the limit is ${LIMIT_S} s.`,
      ].join("\n"),
    };
  },
};
