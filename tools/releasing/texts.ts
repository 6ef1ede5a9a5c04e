/**
 * What a release changes in files: the version, and the changelog's newest section.
 *
 * @module
 */

/** The parts of a version, the greatest first. */
const PARTS = ["major", "minor", "patch"] as const;

/** What a release does to the version: raise a part of it, or release the one that the manifests already name. */
export const STEPS = [...PARTS, "current"] as const;

/** One of {@linkcode STEPS}. */
export type Step = (typeof STEPS)[number];

const UNRELEASED = /^## \[Unreleased\][ \t]*$/m;

/**
 * Raises a version.
 *
 * @param version The version, such as `1.2.3`.
 * @param step The part that is raised.
 * @returns The next version.
 * @throws {TypeError} The version is not three whole numbers.
 */
export function nextVersion(version: string, step: Step): string {
  const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(version)?.slice(1).map(Number);
  if (!parts) {
    throw new TypeError(
      `Cannot raise the version "${version}": write it as three whole numbers, such as 1.2.3`,
    );
  }
  if (step === "current") return version;
  const raised = PARTS.indexOf(step);
  return parts.map((part, i) => i < raised ? part : i === raised ? part + 1 : 0).join(".");
}

/**
 * Writes another version into a manifest, and leaves the rest of its text alone.
 *
 * @param file The manifest's name, for the error.
 * @param text The manifest.
 * @param from The version that it has.
 * @param to The version that it gets.
 * @returns The new text.
 * @throws {Error} The manifest has another version, or is not formatted.
 */
export function withVersion(file: string, text: string, from: string, to: string): string {
  const found = JSON.parse(text).version;
  if (found !== from) {
    throw new Error(
      `${file} has the version "${found}", but deno.json has "${from}": give all manifests the same`,
    );
  }
  // Indented by two spaces: the manifest's own, and none of what it contains.
  const raised = text.replace(/^( {2}"version": )"[^"]*"/m, `$1"${to}"`);
  if (JSON.parse(raised).version !== to) {
    throw new Error(`Cannot find the version in ${file}: format it with deno fmt`);
  }
  return raised;
}

/**
 * Gives what the changelog lists as unreleased a version and a date, and begins an empty "Unreleased" before it.
 *
 * @param text The changelog.
 * @param version The version that is released.
 * @param date The day of the release, as `YYYY-MM-DD`.
 * @returns The new text.
 * @throws {Error} There is no "Unreleased", nothing in it, or the version has a section already.
 */
export function withRelease(text: string, version: string, date: string): string {
  const heading = UNRELEASED.exec(text);
  if (!heading) throw new Error('CHANGELOG.md has no heading "## [Unreleased]": write below it what is new');
  if (text.includes(`\n## [${version}]`)) throw new Error(`CHANGELOG.md has a section of ${version} already`);
  const rest = text.slice(heading.index + heading[0].length);
  if (!/^[-*] /m.test(rest.split(/^## /m)[0]!)) {
    throw new Error('CHANGELOG.md lists nothing under "## [Unreleased]": write there what users will notice');
  }
  return `${text.slice(0, heading.index)}## [Unreleased]\n\n## [${version}] - ${date}${rest}`;
}
