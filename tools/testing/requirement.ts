/**
 * The types of requirements.
 *
 * @module
 */

import type { InstallOptions } from "./apt.ts";

/** A Debian package that contains a program. */
export interface Package {
  /** Its name. */
  readonly name: string;
  /** About how much disk space it takes on a fresh system, with its dependencies, in megabytes. */
  readonly megabytes: number;
}

/** A requirement of tests. */
export interface Requirement {
  /** Its name, for the report. */
  readonly name: string;
  /** The variable by which tests find it. A user may set it to name the requirement. */
  readonly variable: string;
  /** Tells whether a test file needs it. Without it, the file is skipped. */
  readonly neededBy: (file: string) => boolean;
  /** Tells whether a test file runs more tests with it, but also runs without it. */
  readonly usedBy?: (file: string) => boolean;
  /**
   * Finds the missing package; absent if the requirement is never installed.
   *
   * @returns The package to install, or `undefined` if its program is available.
   */
  lacks?(): Promise<Package | undefined>;
  /**
   * Makes it available.
   *
   * @param options The permission to install, and the requirements before this one.
   * @returns The provided requirement, or the reason why it is missing.
   */
  provide(options: ProvideOptions): Promise<Provision | Missing>;
}

/** The options of {@linkcode Requirement.provide}. */
export interface ProvideOptions extends InstallOptions {
  /** The results of the requirements before this one, by name. */
  readonly earlier: ReadonlyMap<string, Provision | Missing>;
}

/** An available requirement. */
export interface Provision {
  /** The variables by which the tests find it. */
  readonly env: Record<string, string>;
  /** Its origin, for the report, without the secrets of an address. */
  readonly origin: string;
  /** Ends everything that was started for the tests. */
  stop?(): Promise<void>;
}

/** A missing requirement. */
export interface Missing {
  /** The reason. */
  readonly missing: string;
}
