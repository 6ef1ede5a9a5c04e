/**
 * Prepares and makes a release.
 *
 * @module
 */

import { Repository } from "./repository.ts";
import { nextVersion, type Step, withRelease, withVersion } from "./texts.ts";

/** The manifests with the version; the first one decides. */
const MANIFESTS = ["deno.json", "jsr.json", "package.json"];
const CHANGELOG = "CHANGELOG.md";

/** A prepared release. */
export interface Release {
  /** The version before. */
  readonly from: string;
  /** The version that is released. */
  readonly version: string;
  /** The tag's name. */
  readonly tag: string;
  /** The texts that files get, by path. */
  readonly files: ReadonlyMap<string, string>;
}

/** The options of a release. */
export interface ReleaseOptions {
  /** The root of the repository. */
  readonly root: string;
  /** Which part of the version is raised. */
  readonly step: Step;
  /** The day of the release, as `YYYY-MM-DD`. */
  readonly date: string;
}

/**
 * Prepares a release, and changes nothing.
 *
 * @param options The options.
 * @returns The release.
 * @throws {Error} If the release is not possible; the message says what to do.
 */
export async function prepareRelease({ root, step, date }: ReleaseOptions): Promise<Release> {
  const repository = new Repository(root);
  const obstacle = await repository.obstacle();
  if (obstacle) throw new Error(obstacle);
  const read = (path: string) => Deno.readTextFile(`${root}/${path}`);
  const from: string = JSON.parse(await read(MANIFESTS[0]!)).version;
  const version = nextVersion(from, step);
  const tag = `v${version}`;
  if (await repository.hasTag(tag)) {
    throw new Error(
      `there is a tag ${tag} already: a version can be released only once; use patch, minor or major for the next one`,
    );
  }
  if (step !== "current" && !await repository.hasTag(`v${from}`)) {
    throw new Error(
      `${from} is not released yet, because there is no tag v${from} here: release it first (deno task release current), or get ` +
        "the tags (git fetch --tags)",
    );
  }
  const files = new Map([[CHANGELOG, withRelease(await read(CHANGELOG), version, date)]]);
  for (const path of MANIFESTS) {
    const text = withVersion(path, await read(path), from, version);
    if (version !== from) files.set(path, text);
  }
  return { from, version, tag, files };
}

/**
 * Makes a release: writes, commits and tags. If that fails, everything is as before.
 *
 * @param root The root of the repository.
 * @param release The release.
 */
export async function makeRelease(root: string, { version, tag, files }: Release): Promise<void> {
  await new Repository(root).commit(files, `Release ${version}`, tag);
}
