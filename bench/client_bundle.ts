/**
 * The bundle that a page loads for a client: its size, and the limits of that size.
 *
 * @module
 */

import * as esbuild from "esbuild";

/** The target: a client takes at most so many bytes on the wire. */
export const CLIENT_GOAL_BYTES = 10_240;

/**
 * The limit while the client does not meet the target, in bytes. A test checks it. If a change needs more bytes, first look
 * for code to remove. If a change makes the client smaller, lower this limit.
 */
export const CLIENT_LIMIT_BYTES = 18_900;

/** The limit of the additional bytes of a page that also uses presence. */
export const PRESENCE_LIMIT_BYTES = 2_800;

/** The source of a page that uses only the client. It has no schema library, because users choose their own. */
export const CLIENT_PAGE = `export * from "@trunkline/hub/client";`;

/** The source of a page that also uses presence. */
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
    await esbuild.stop(); // esbuild is another process, and would keep this one alive
  }
}
