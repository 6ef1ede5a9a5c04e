/**
 * What an entry of the requirements says.
 *
 * @module
 */

import type { InstallOptions } from "./apt.ts";

/** A package of Debian that has a program. */
export interface Package {
  /** Its name. */
  readonly name: string;
  /** How much of the disk it takes on a fresh system, with all that it needs, about. */
  readonly megabytes: number;
}

/** Something that tests need to run. */
export interface Requirement {
  /** Its name, for the report. */
  readonly name: string;
  /** The variable by which tests find it, and by which whoever runs them may name it. */
  readonly variable: string;
  /** Tells whether a test file needs it: it is skipped without. */
  readonly neededBy: (file: string) => boolean;
  /** Tells whether a test file does more with it, and runs without it too. */
  readonly usedBy?: (file: string) => boolean;
  /**
   * Looks for what would have to be installed; absent for what is never installed.
   *
   * @returns The package that would be installed, or `undefined` when its program is there.
   */
  lacks?(): Promise<Package | undefined>;
  /**
   * Makes it available.
   *
   * @param options Whether missing programs may be installed, and what is there already.
   * @returns The requirement as the tests find it, or why it cannot be had.
   */
  provide(options: ProvideOptions): Promise<Provision | Missing>;
}

/** What a requirement is made available with. */
export interface ProvideOptions extends InstallOptions {
  /** What became of the requirements before this one, by name. */
  readonly earlier: ReadonlyMap<string, Provision | Missing>;
}

/** A requirement that is there. */
export interface Provision {
  /** The variables by which the tests find it. */
  readonly env: Record<string, string>;
  /** Where it comes from, for the report: no secret that an address may hold. */
  readonly origin: string;
  /** Ends what was started for the tests. */
  stop?(): Promise<void>;
}

/** A requirement that cannot be had. */
export interface Missing {
  /** Why. */
  readonly missing: string;
}
