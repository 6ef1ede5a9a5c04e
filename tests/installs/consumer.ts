/**
 * A program of somebody else, which has the package as npm gets it: JavaScript and declarations, packed by `deno pack`.
 *
 * @module
 */

import { join } from "node:path";
import { ROOT } from "../../tools/files.ts";
import { capture, type Outcome } from "../../tools/process.ts";

/** The oldest version of TypeScript that `docs/operations.md` names. */
export const OLDEST = "5.7.3";

/** What is compiled against: the oldest version, and whatever is newest. */
export const VERSIONS: readonly string[] = [OLDEST, "latest"];

/** The package, as it was packed. */
export const TARBALL = "hub.tgz";

/** Options of the compiler beside those that all programs have. */
export interface CompilerOptions {
  /** Libraries. */
  readonly lib: readonly string[];
  /** How modules are found. */
  readonly module: "bundler" | "node16" | "nodenext";
  /** Whether a property that may be missing must not be `undefined`. */
  readonly exact?: boolean;
}

/** A folder with a program. */
export class Consumer implements AsyncDisposable {
  /** Where it is. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes one. */
  static async create(): Promise<Consumer> {
    const folder = await Deno.makeTempDir({ prefix: "consumer-" });
    const tarball = join(folder, TARBALL);
    const scope = join(folder, "node_modules", "@trunkline");
    await Deno.mkdir(scope, { recursive: true });
    for (
      const command of [
        [Deno.execPath(), "pack", "--quiet", "--allow-dirty", "--no-source-maps", "--output", tarball],
        ["tar", "xzf", tarball, "-C", scope],
      ]
    ) {
      const { code, output } = await capture(command);
      if (code !== 0) throw new Error(`${command.slice(0, 2).join(" ")} failed:\n${output}`);
    }
    await Deno.rename(join(scope, "package"), join(scope, "hub"));
    for (const library of ["hono", "valibot", "zod"]) {
      await Deno.symlink(join(ROOT, "node_modules", library), join(folder, "node_modules", library));
    }
    await Deno.writeTextFile(join(folder, "package.json"), '{ "type": "module" }');
    return new Consumer(folder);
  }

  /** Writes a file of the program. */
  async write(name: string, source: string): Promise<void> {
    await Deno.writeTextFile(join(this.folder, name), source);
  }

  /**
   * Compiles files of the program, with nothing left out.
   *
   * @param version The version of TypeScript.
   * @param files The files.
   * @param options Options of the compiler.
   */
  compile(version: string, files: readonly string[], options: CompilerOptions): Promise<Outcome> {
    const { module } = options;
    return this.run(`npm:typescript@${version}/tsc`, [
      ...["--noEmit", "--strict", "--pretty", "false", "--target", "es2022", "--skipLibCheck", "false"],
      ...["--lib", options.lib.join(","), "--module", module === "bundler" ? "esnext" : module],
      ...["--exactOptionalPropertyTypes", String(options.exact ?? false)],
      ...["--moduleResolution", module, ...files],
    ]);
  }

  /** Runs a program in the folder, apart from the configuration of this repository. */
  run(program: string, args: readonly string[]): Promise<Outcome> {
    const apart = ["--no-config", "--no-lock", "--node-modules-dir=none", "--quiet"];
    return capture([Deno.execPath(), "run", "-A", ...apart, program, ...args], this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
