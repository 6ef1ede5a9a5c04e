/**
 * The changes of a release in files: the version, and the newest section of the changelog.
 *
 * @module
 */

/** The parts of a version, the most important one first. */
const PARTS = ["major", "minor", "patch"] as const;

/** The steps: raise a part of the version, or release the version that the manifests already have. */
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
 * @throws {TypeError} If the version is not three whole numbers.
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
 * Writes another version into a manifest, and changes nothing else.
 *
 * @param file The manifest's name, for the error.
 * @param text The manifest.
 * @param from The old version.
 * @param to The new version.
 * @returns The new text.
 * @throws {Error} If the manifest has another version, or is not formatted.
 */
export function withVersion(file: string, text: string, from: string, to: string): string {
  const found = JSON.parse(text).version;
  if (found !== from) {
    throw new Error(
      `${file} has the version "${found}", but deno.json has "${from}": give all manifests the same`,
    );
  }
  // Indented by two spaces: this is the manifest's own version, not one of a nested object.
  const raised = text.replace(/^( {2}"version": )"[^"]*"/m, `$1"${to}"`);
  if (JSON.parse(raised).version !== to) {
    throw new Error(`Cannot find the version in ${file}: format it with deno fmt`);
  }
  return raised;
}

/**
 * Gives the unreleased section of the changelog a version and a date, and adds an empty "Unreleased" before it.
 *
 * @param text The changelog.
 * @param version The version that is released.
 * @param date The day of the release, as `YYYY-MM-DD`.
 * @returns The new text.
 * @throws {Error} If there is no "Unreleased", if it is empty, or if the version has a section already.
 */
export function withRelease(text: string, version: string, date: string): string {
  const heading = UNRELEASED.exec(text);
  if (!heading) {
    throw new Error('CHANGELOG.md has no heading "## [Unreleased]": add it, and list below it what is new');
  }
  if (text.includes(`\n## [${version}]`)) throw new Error(`CHANGELOG.md has a section of ${version} already`);
  const rest = text.slice(heading.index + heading[0].length);
  if (!/^[-*] /m.test(rest.split(/^## /m)[0]!)) {
    throw new Error(
      'CHANGELOG.md lists nothing under "## [Unreleased]": list there the changes that users notice',
    );
  }
  return `${text.slice(0, heading.index)}## [Unreleased]\n\n## [${version}] - ${date}${rest}`;
}
