/**
 * Bundles the page's code and style for browsers when the demo starts.
 *
 * @module
 */

import * as esbuild from "esbuild";
import { fileURLToPath } from "node:url";

/** Finds the package as Deno does: in this repository, its sources. */
const byPackageName: esbuild.Plugin = {
  name: "by-package-name",
  setup(build) {
    build.onResolve(
      { filter: /^@trunkline\/hub(\/|$)/ },
      ({ path }) => ({ path: fileURLToPath(import.meta.resolve(path)) }),
    );
  },
};

/**
 * Bundles modules and style sheets with all their imports.
 *
 * @param entries The files to bundle.
 * @returns The bundle of each file.
 */
export async function bundle(...entries: readonly URL[]): Promise<string[]> {
  try {
    return await Promise.all(entries.map(bundleOne));
  } finally {
    // esbuild is another process, and would keep this one alive.
    await esbuild.stop();
  }
}

async function bundleOne(entry: URL): Promise<string> {
  const { outputFiles } = await esbuild.build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    // Browsers with light-dark(): for older ones the bundle would become much larger.
    target: ["chrome123", "firefox120", "safari17.5"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    write: false,
    plugins: [byPackageName],
  });
  return outputFiles[0]!.text;
}
