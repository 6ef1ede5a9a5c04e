/**
 * Size: the bundle that a page loads for a client.
 *
 * @module
 */

import { CLIENT_GOAL_BYTES, CLIENT_PAGE, measureBundles, PRESENCE_PAGE } from "./client_bundle.ts";
import { verdict } from "./reach.ts";
import type { Study } from "./study.ts";

/** The bundles. */
const ENTRIES: Readonly<Record<string, string>> = {
  "client": CLIENT_PAGE,
  "client and presence": PRESENCE_PAGE,
  "client and defineContract": `${CLIENT_PAGE}
export { defineContract } from "@trunkline/hub/contract";`,
};

/** One bundle. */
export interface SizeRow {
  readonly bundle: string;
  readonly minifiedBytes: number;
  readonly gzipBytes: number;
  /** Absent if the bundle contains more than the client: it is only for comparison. */
  readonly limitBytes?: number;
}

/** The study. */
export const size: Study<readonly SizeRow[]> = {
  name: "size",
  what: "the client bundled for a browser, without schemas",
  async run(_paths, say) {
    const sizes = await measureBundles(Object.values(ENTRIES));
    const rows = Object.keys(ENTRIES).map((bundle, i): SizeRow => ({
      bundle,
      ...sizes[i]!,
      ...(bundle === "client" && { limitBytes: CLIENT_GOAL_BYTES }),
    }));
    for (const { bundle, minifiedBytes, gzipBytes } of rows) {
      say(`${bundle}: ${minifiedBytes} bytes minified, ${gzipBytes} with gzip`);
    }
    const faults = rows.filter(({ gzipBytes, limitBytes = Infinity }) => gzipBytes > limitBytes)
      .map(({ bundle, gzipBytes }) =>
        `size: ${bundle} has ${gzipBytes} bytes, more than ${CLIENT_GOAL_BYTES}`
      );
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
