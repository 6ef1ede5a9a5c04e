/**
 * Packs the package, and checks it for users of npm with publint and "Are the types wrong?". A test checks the size of
 * the client.
 *
 * @module
 */

import { join } from "node:path";
import { capture } from "./process.ts";

const APART = ["--no-config", "--no-lock", "--node-modules-dir=none", "--quiet", "--allow-all"];

const folder = await Deno.makeTempDir({ prefix: "package-" });
const tarball = join(folder, "hub.tgz");
const deno = Deno.execPath();
/** The programs, in order: all need the result of the first. JSR's packages have only modules, so `require` on old Nodes is not checked. */
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
