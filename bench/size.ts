/**
 * Size: what a page loads for a client.
 *
 * @module
 */

import * as esbuild from "esbuild";
import { verdict } from "./reach.ts";
import type { Study } from "./study.ts";

/** How many bytes a client may take on the wire. */
const LIMIT = 10_240;

/** What is bundled: all that a page needs, without a schema library, as which one that is is the user's choice. */
const ENTRIES: Readonly<Record<string, string>> = {
  "client": `export * from "@trunkline/hub/client";`,
  "client and defineContract": `export * from "@trunkline/hub/client";
export { defineContract } from "@trunkline/hub/contract";`,
};

/** One bundle. */
export interface SizeRow {
  readonly bundle: string;
  readonly minifiedBytes: number;
  readonly gzipBytes: number;
  /** Absent where the bundle holds more than the client, for comparison. */
  readonly limitBytes?: number;
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

/** The study. */
export const size: Study<readonly SizeRow[]> = {
  name: "size",
  what: "the client bundled for a browser, without schemas",
  async run(_paths, say) {
    const rows: SizeRow[] = [];
    try {
      for (const [name, source] of Object.entries(ENTRIES)) {
        const bytes = await bundle(source);
        const gzipBytes = await gzipped(bytes);
        const limit = name === "client" ? { limitBytes: LIMIT } : {};
        rows.push({ bundle: name, minifiedBytes: bytes.length, gzipBytes, ...limit });
        say(`${name}: ${bytes.length} bytes minified, ${gzipBytes} with gzip`);
      }
    } finally {
      await esbuild.stop(); // it is a process of its own, which would keep this one alive
    }
    const faults = rows.filter(({ gzipBytes, limitBytes = Infinity }) => gzipBytes > limitBytes)
      .map(({ bundle, gzipBytes }) => `size: ${bundle} has ${gzipBytes} bytes, more than ${LIMIT}`);
    return { rows, faults };
  },
  reach: (rows) =>
    rows.filter(({ limitBytes }) => limitBytes !== undefined)
      .map(({ bundle, gzipBytes, limitBytes }) =>
        verdict(bundle, gzipBytes, { atMost: limitBytes }, "bytes with gzip")
      ),
  report: (rows) => ({
    text: [
      "| bundle | minified, bytes | with gzip, bytes | limit |",
      "|---|---|---|---|",
      ...rows.map(({ bundle, minifiedBytes, gzipBytes, limitBytes }) =>
        `| ${bundle} | ${minifiedBytes.toLocaleString("en")} | ${gzipBytes.toLocaleString("en")} | ${
          limitBytes?.toLocaleString("en") ?? "–"
        } |`
      ),
    ].join("\n"),
  }),
};
