/**
 * What a page loads for a client: its bundle, how large that is, and how large it may be.
 *
 * @module
 */

import * as esbuild from "esbuild";

/** How many bytes a client shall take on the wire at the most. */
export const CLIENT_GOAL_BYTES = 10_240;

/**
 * How many bytes it may take as long as it does not meet the goal. A test holds it to that: whoever needs more looks for
 * what can go first, and whoever makes it smaller lowers this.
 */
export const CLIENT_LIMIT_BYTES = 18_688;

/** How many bytes more a page may take that also shows who is present. */
export const PRESENCE_LIMIT_BYTES = 2_800;

/** The source of a page that uses nothing but the client. Which schema library there is too is the user's choice. */
export const CLIENT_PAGE = `export * from "@trunkline/hub/client";`;

/** The source of a page that also shows who is present. */
export const PRESENCE_PAGE = `${CLIENT_PAGE}
export * from "@trunkline/hub/client/presence";`;

/** The size of a bundle. */
export interface BundleSize {
  readonly minifiedBytes: number;
  readonly gzipBytes: number;
}

const byPackageName: esbuild.Plugin = {
  name: "by-package-name",
  setup(build) {
    build.onResolve(
      { filter: /^@trunkline\/hub(\/|$)/ },
      ({ path }) => ({ path: new URL(import.meta.resolve(path)).pathname }),
    );
  },
};

async function bundle(contents: string): Promise<Uint8Array<ArrayBuffer>> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    write: false,
    plugins: [byPackageName],
  });
  return outputFiles[0]!.contents as Uint8Array<ArrayBuffer>;
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

/**
 * Bundles pages for a browser, and measures them.
 *
 * @param pages The source of each.
 */
export async function measureBundles(pages: readonly string[]): Promise<BundleSize[]> {
  try {
    return await Promise.all(pages.map(async (page) => {
      const bytes = await bundle(page);
      return { minifiedBytes: bytes.length, gzipBytes: await gzipped(bytes) };
    }));
  } finally {
    await esbuild.stop(); // it is a process of its own, which would keep this one alive
  }
}
