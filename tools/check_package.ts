/**
 * Whether the package is what npm's users expect: packed, and looked at by publint and by "Are the types wrong?". The size of
 * the client is a test's.
 *
 * @module
 */

import { join } from "node:path";
import { capture } from "./process.ts";

const APART = ["--no-config", "--no-lock", "--node-modules-dir=none", "--quiet", "--allow-all"];

const folder = await Deno.makeTempDir({ prefix: "package-" });
const tarball = join(folder, "hub.tgz");
const deno = Deno.execPath();
/** The programs, in order: each needs what the first has made. JSR's packages have modules alone, so `require` of old Nodes is passed over. */
const commands = [
  [deno, "pack", "--quiet", "--allow-dirty", "--no-source-maps", "--output", tarball],
  [deno, "run", ...APART, "npm:publint@0.3", "run", tarball, "--strict"],
  [
    deno,
    "run",
    ...APART,
    "npm:@arethetypeswrong/cli@0.18",
    tarball,
    "--profile",
    "esm-only",
    "--format",
    "ascii",
  ],
];
try {
  for (const command of commands) {
    const { code, output } = await capture(command);
    if (code === 0) continue;
    console.log(output);
    Deno.exitCode = 1;
    break;
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
