/**
 * Bundles the page's code and style for browsers, from their sources, when the demo starts.
 *
 * @module
 */

import * as esbuild from "esbuild";
import { fileURLToPath } from "node:url";

/** Finds the package where Deno does: in this repository that is its sources. */
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
 * Bundles modules and style sheets with all that they import.
 *
 * @param entries What to bundle.
 * @returns The bundle of each.
 */
export async function bundle(...entries: readonly URL[]): Promise<string[]> {
  try {
    return await Promise.all(entries.map(bundleOne));
  } finally {
    // It is a process of its own, which would keep this one alive.
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
    // What has light-dark(): older browsers would be sent more than the page is worth.
    target: ["chrome123", "firefox120", "safari17.5"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    write: false,
    plugins: [byPackageName],
  });
  return outputFiles[0]!.text;
}
