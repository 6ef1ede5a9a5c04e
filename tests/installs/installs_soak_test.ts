/**
 * The package where people install it: bundled, required, and within a server component. Every bundle is run against a hub.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHub, defineContract } from "@trunkline/hub";
import { z } from "zod";
import { test } from "../harness.ts";
import { serve } from "../serve.ts";
import { Hono } from "hono";
import { Consumer } from "./consumer.ts";
import { InstalledApp } from "./installed_app.ts";

const contract = defineContract({
  roles: { member: { clientToServer: { echo: { input: z.string(), output: z.string() } } } },
});

/** How each bundler is called: the file of its library, and its arguments. It writes `out/NAME.js`. */
const BUNDLERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  vite: ["vite/bin/vite.js", "build", "--logLevel", "error"],
  webpack: ["webpack-cli/bin/cli.js"],
  rollup: [
    "rollup/dist/bin/rollup",
    "main.js",
    "-p",
    "@rollup/plugin-node-resolve",
    "-f",
    "es",
    "-o",
    "out/rollup.js",
  ],
  esbuild: ["esbuild/bin/esbuild", "main.js", "--bundle", "--format=esm", "--outfile=out/esbuild.js"],
};

const LIBRARIES = {
  ...{
    vite: "8",
    webpack: "5",
    "webpack-cli": "6",
    rollup: "4",
    "@rollup/plugin-node-resolve": "16",
    esbuild: "0.28",
  },
  ...{ next: "16", react: "19", "react-dom": "19" },
};

/** A hub that answers what it is asked. */
async function startHub(): Promise<{ readonly url: string } & AsyncDisposable> {
  const hub = createHub(contract, { authenticate: ({ role }) => ({ role }) });
  hub.implement({ member: { echo: (text) => text } });
  await hub.ready;
  const app = new Hono().route("/realtime", hub.routes);
  const server = serve({ fetch: app.fetch });
  return {
    url: `ws://127.0.0.1:${server.port}/realtime`,
    async [Symbol.asyncDispose]() {
      await hub.close();
      await server.close();
    },
  };
}

test(
  "the client works in bundles of Vite, webpack, Rollup and esbuild, in a server component of Next, and all of it by require on Node 22",
  async () => {
    await using consumer = await Consumer.create();
    const app = await InstalledApp.create(consumer, LIBRARIES);
    await using hub = await startHub();
    for (const [bundler, [file, ...args]] of Object.entries(BUNDLERS)) {
      await app.bin(file, ...args);
      assertEquals(await app.run(`out/${bundler}.js`, hub.url), "from a bundle", bundler);
    }
    assertEquals(await app.run("required.cjs", hub.url), "function function function");
    await app.bin("next/dist/bin/next", "build");
    await using next = await app.next(hub.url);
    const answer = await fetch(next.page);
    assertStringIncludes(await answer.text(), "<p>from a server component</p>");
  },
  { timeoutMs: 900_000 }, // half of it is npm's
);
