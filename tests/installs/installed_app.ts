/**
 * An application as people have it: the package in its `node_modules`, beside a bundler or a framework, on Node.
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import { capture, type Outcome } from "../../tools/process.ts";
import type { Consumer } from "./consumer.ts";

/** The version of Node that the requirements name. */
const NODE = "22";

/** A schema for text, without a library. */
const CONTRACT = `import { defineContract } from "@trunkline/hub/contract";
const validate = (value) => typeof value === "string" ? { value } : { issues: [{ message: "no text" }] };
const text = { "~standard": { version: 1, vendor: "own", validate } };
export const contract = defineContract({
  roles: { member: { clientToServer: { echo: { input: text, output: text } } } },
});
`;

const MAIN = `import { createClient } from "@trunkline/hub/client";
import { contract } from "./contract.js";
const client = createClient(contract, { url: globalThis.HUB_URL, role: "member" });
console.log(await client.request("echo", "from a bundle"));
await client.close();
`;

/** Every file of it. */
const FILES: Readonly<Record<string, string>> = {
  "contract.js": CONTRACT,
  "main.js": MAIN,
  "vite.config.js": `export default {
  build: { outDir: "out", emptyOutDir: false, lib: { entry: "main.js", formats: ["es"], fileName: "vite" } },
};
`,
  "webpack.config.js": `export default {
  mode: "production",
  entry: "./main.js",
  output: { path: process.cwd() + "/out", filename: "webpack.js", module: true },
  experiments: { outputModule: true, topLevelAwait: true },
};
`,
  "required.cjs": `const { createHub } = require("@trunkline/hub");
const { createClient } = require("@trunkline/hub/client");
const { defineContract } = require("@trunkline/hub/contract");
console.log(typeof createHub, typeof createClient, typeof defineContract);
`,
  "app/contract.js": CONTRACT,
  "app/layout.js": `export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}
`,
  "app/page.js": `import { createClient } from "@trunkline/hub/client";
import { contract } from "./contract.js";
export const dynamic = "force-dynamic";
export default async function Page() {
  const client = createClient(contract, { url: process.env.HUB_URL, role: "member" });
  const said = await client.request("echo", "from a server component");
  await client.close();
  return <p>{said}</p>;
}
`,
};

/** The application. */
export class InstalledApp {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Makes it in a folder that has the package, and installs what else it needs.
   *
   * @param consumer Who has the package.
   * @param libraries What else it needs, each a name with a version.
   */
  static async create(
    consumer: Consumer,
    libraries: Readonly<Record<string, string>>,
  ): Promise<InstalledApp> {
    const folder = await Deno.makeTempDir({ dir: consumer.folder, prefix: "app-" });
    const app = new InstalledApp(folder);
    const dependencies = { ...libraries, hono: "4", [NODE_PACKAGE]: NODE };
    await Deno.writeTextFile(
      join(folder, "package.json"),
      JSON.stringify({ name: "app", private: true, type: "module", dependencies }),
    );
    for (const [name, text] of Object.entries(FILES)) {
      await Deno.mkdir(join(folder, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    await app.#must(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]);
    const scope = join(folder, "node_modules", "@trunkline");
    await Deno.mkdir(scope, { recursive: true });
    // A copy: a link would have its libraries looked for where it leads to.
    await app.#must(["cp", "-r", join(consumer.folder, "node_modules", "@trunkline", "hub"), scope]);
    return app;
  }

  /** Runs a program of a library on Node. */
  async bin(path: string, ...args: readonly string[]): Promise<void> {
    await this.#must([this.#node, join(this.#folder, "node_modules", path), ...args]);
  }

  /**
   * Runs a file of the application on Node.
   *
   * @param file The file.
   * @param url Where the hub is.
   * @returns What it prints.
   */
  async run(file: string, url: string): Promise<string> {
    const code = `globalThis.HUB_URL = ${JSON.stringify(url)}; await import(${JSON.stringify(`./${file}`)});`;
    const { output } = await this.#must([this.#node, "--input-type=module", "--eval", code]);
    return output.trim();
  }

  /**
   * Starts Next.
   *
   * @param url Where the hub is.
   * @returns Where Next listens, and what stops it.
   */
  async next(url: string): Promise<{ readonly page: string } & AsyncDisposable> {
    const child = new Deno.Command(this.#node, {
      args: [join(this.#folder, "node_modules/next/dist/bin/next"), "start", "-H", "127.0.0.1", "-p", "0"],
      cwd: this.#folder,
      env: { HUB_URL: url, NEXT_TELEMETRY_DISABLED: "1" },
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    let page: string | undefined;
    while (!page) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`Next ended:\n${said}`);
      said += value;
      page = said.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
    }
    return {
      page,
      async [Symbol.asyncDispose]() {
        child.kill("SIGTERM");
        await child.status;
        await reader.cancel();
      },
    };
  }

  get #node(): string {
    return join(this.#folder, "node_modules", NODE_PACKAGE, "bin", "node");
  }

  async #must(command: string[]): Promise<Outcome> {
    const outcome = await capture(command, this.#folder);
    if (outcome.code !== 0) throw new Error(`${command.join(" ")} failed:\n${outcome.output}`);
    return outcome;
  }
}

/** Node comes as a package of its own for each system. */
const NODE_PACKAGE = `node-${process.platform}-${process.arch}`;
