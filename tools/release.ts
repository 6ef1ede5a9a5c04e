/**
 * `deno task release`: makes the commit and the tag of a release.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { makeRelease, prepareRelease } from "./releasing/release.ts";
import { type Step, STEPS } from "./releasing/texts.ts";

const HELP = `Usage: deno task release major|minor|patch|current [--dry-run]

Raises the version in deno.json, jsr.json and package.json, writes the date over the unreleased part of CHANGELOG.md, commits
this and tags the commit. It pushes nothing, and runs no tests: "deno task ok" and "deno task test" must have passed on this commit.

  major, minor, patch   which part of the version is raised
    current               release the version that the manifests have, for the first release
    --dry-run             say what the task would do, and change nothing
  --help                show this text`;

function refuse(message: string): never {
  console.error(message);
  Deno.exit(1);
}

function isStep(text: string | undefined): text is Step {
  return STEPS.some((step) => step === text);
}

/** Reads the arguments. */
function readArgs() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        "dry-run": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    refuse(`${(error as Error).message}\n\n${HELP}`);
  }
}

const { values, positionals } = readArgs();
if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}
const [step, ...more] = positionals;
if (!isStep(step) || more.length > 0) {
  refuse(`Say what to release, as one of ${STEPS.join(", ")}, not "${positionals.join(" ")}"\n\n${HELP}`);
}

const root = Deno.cwd(); // `deno task` runs it in the root
try {
  const release = await prepareRelease({ root, step, date: new Date().toISOString().slice(0, 10) });
  const { from, version, tag, files } = release;
  console.log(from === version ? `The release of ${version}` : `From ${from} to ${version}`);
  const names = [...files.keys()].join(", ");
  console.log('These must pass on this commit, and do not run here: "deno task ok", "deno task test"');
  if (values["dry-run"]) {
    console.log(`Would change ${names}, commit "Release ${version}" and tag it ${tag}. Nothing was changed`);
  } else {
    await makeRelease(root, release);
    console.log(`Changed ${names}, committed, and tagged ${tag}. To publish it:`);
    console.log(`  git push --atomic origin main ${tag}`);
    console.log(`To undo it before that: git tag --delete ${tag} && git reset --hard HEAD~1`);
  }
} catch (error) {
  refuse(`Cannot release: ${(error as Error).message}`);
}
