/**
 * `deno task ok`: every check of the project except its tests. Runs all of them, even if one fails.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import manifest from "../deno.json" with { type: "json" };
import { exists, listFiles } from "./files.ts";
import { isPublished } from "./lint/import_rules.ts";
import { capture } from "./process.ts";

/** One check: arguments of `deno`, and a name for the report. */
interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

const published = (await listFiles()).filter((path) => isPublished(path) && path.endsWith(".ts"));
const entries: string[] = [];
for (const path of Object.values(manifest.exports)) if (await exists(path)) entries.push(path);

// The long steps first, so that the short ones fill the gaps.
const steps: Step[] = [
  { name: "types", args: ["check", "--quiet", "."] },
  {
    // Stricter than the check of the tests, whose options also apply to linked packages of others.
    name: "types of what is published",
    args: ["check", "--quiet", "--config", "tools/published.json", "--import-map", "deno.json", ...entries],
  },
  {
    name: "doc tests",
    args: ["test", "--doc", "--quiet", "--reporter=dot", "--permit-no-files", "--allow-all", ...published],
  },
  { name: "package", args: ["run", "--allow-all", "tools/check_package.ts"] },
  { name: "publish dry run", args: ["publish", "--quiet", "--dry-run", "--allow-dirty"] },
  { name: "documentation", args: ["doc", "--lint", ...entries] },
  { name: "lint", args: ["lint"] },
  { name: "format", args: ["fmt", "--check"] },
  { name: "files", args: ["run", "--allow-all", "tools/check_files.ts"] },
  { name: "manifests", args: ["run", "--allow-all", "tools/check_manifests.ts"] },
];

const failed: string[] = [];

/** Takes steps from the list until it is empty. */
async function work(): Promise<void> {
  for (let step = steps.shift(); step; step = steps.shift()) {
    const start = performance.now();
    const { code, output } = await capture([Deno.execPath(), ...step.args]);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${code === 0 ? "ok    " : "FAILED"} ${step.name} (${seconds} s)`);
    if (code === 0) continue;
    failed.push(step.name);
    console.log(`\n${output.trim()}\n`);
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
if (failed.length > 0) {
  console.log(`Failed: ${failed.join(", ")}`);
  Deno.exit(1);
}
console.log("All checks passed");
