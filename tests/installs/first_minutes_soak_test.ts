/**
 * The first minutes of somebody who has only the documents: the chat of the README, served by Deno and by Bun, with a page
 * of Vite on another port, as `docs/start/browser.md` says. The server is ended and started again, and the pages go on.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { browser } from "../browser/browser.ts";
import { blocksOf, readDocument } from "../docs/markdown.ts";
import { test, waitFor } from "../harness.ts";
import { freePort } from "../../tools/brokers/ports.ts";
import { capture } from "../../tools/process.ts";
import { findRuntime } from "../../tools/testing/runtimes.ts";
import { Consumer } from "./consumer.ts";

/** How the page comes to the hub: Vite passes the path on, or the hub names the origin of the page. */
const WAYS = ["proxy", "origins"] as const;

/** A program that runs in the background, and what it prints. */
class Background implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  #output = "";

  constructor([program, ...args]: string[], cwd: string) {
    this.#child = new Deno.Command(program!, {
      args,
      cwd,
      env: { NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    })
      .spawn();
    const keep = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const bytes of stream) this.#output += decoder.decode(bytes, { stream: true });
    };
    this.#read = Promise.all([keep(this.#child.stdout), keep(this.#child.stderr)]);
  }

  get output(): string {
    return this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#read;
  }
}

/** Puts the text in, which has to be there. */
function put(source: string, old: string, text: string): string {
  assertStringIncludes(source, old);
  return source.replaceAll(old, text);
}

/** Writes what the documents say: the server beside the folder of the page, and the contract in it. */
async function write(consumer: Consumer, hubPort: number, pagePort: number): Promise<void> {
  const blocks = new Map(blocksOf(await readDocument("README.md")).map(({ name, code }) => [name, code]));
  const [contract, server, client] = ["chat.ts", "server.ts", "client.ts"].map((name) => blocks.get(name)!);
  const config = (await readDocument("docs/start/browser.md")).match(
    /```js\n(\/\/ vite\.config\.js\n.*?)```/s,
  )![1]!;
  const at = (source: string) => source.replaceAll("8000", String(hubPort));

  const served = put(at(server!), `"./chat.ts"`, `"./my-page/src/chat.ts"`);
  const origins = `origins: ["http://localhost:${pagePort}"],\n  rejoin:`;
  const main = `${client}
client.onStatus((status) => document.title = status);
document.title = client.status;
addEventListener("click", () => client.signal("say", { room: "lobby", text: "still here" }));
`;
  const files: Record<string, string> = {
    "server_proxy.ts": served,
    "server_origins.ts": put(served, "rejoin:", origins),
    "my-page/vite.config.js": at(config),
    "my-page/src/chat.ts": contract!,
    "my-page/src/proxy.ts": put(main, "ws://localhost:8000/realtime", "/realtime"),
    "my-page/src/origins.ts": at(main),
  };
  for (const way of WAYS) {
    files[`my-page/${way}.html`] = `<!doctype html><script type="module" src="/src/${way}.ts"></script>`;
  }
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(consumer.folder, name)), { recursive: true });
    await consumer.write(name, text);
  }
}

/** Lets Deno have the package by its configuration, as after `deno add`, and the page by npm. */
async function install(consumer: Consumer): Promise<void> {
  const hub = join(consumer.folder, "node_modules/@trunkline/hub");
  const { exports } = JSON.parse(await Deno.readTextFile(join(hub, "package.json")));
  const imports: Record<string, string> = { hono: "npm:hono@4", zod: "npm:zod@4" };
  for (const [entry, { import: file }] of Object.entries<{ import: string }>(exports)) {
    imports[join("@trunkline/hub", entry)] = `./${join("node_modules/@trunkline/hub", file)}`;
  }
  await consumer.write("deno.json", JSON.stringify({ imports }));
  await Deno.remove(join(consumer.folder, "package.json")); // else Deno takes its packages from there
  await consumer.write("my-page/package.json", '{ "private": true, "type": "module" }');
  const page = join(consumer.folder, "my-page");
  const commands = [
    ["npm", "install", "--no-audit", "--no-fund", "--loglevel", "error", "vite@8", "zod@4"],
    ["mkdir", "node_modules/@trunkline"],
    ["cp", "-r", hub, "node_modules/@trunkline"],
  ];
  for (const command of commands) {
    const { code, output } = await capture(command, page);
    assertEquals(code, 0, output);
  }
}

/** A page, and what its console says. */
interface Window {
  readonly page: Page;
  readonly said: readonly string[];
}

async function open(url: string): Promise<Window> {
  const page = await browser.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  await page.goto(url);
  return { page, said };
}

/** Starts a server, and waits until it answers. */
async function start(command: string[], folder: string, port: number): Promise<Background> {
  const server = new Background(command, folder);
  const answers = () =>
    fetch(`http://localhost:${port}/realtime/health`).then((answer) => answer.text(), () => "");
  await waitFor(async () => await answers(), { what: `${command.join(" ")} to answer`, timeoutMs: 30_000 });
  return server;
}

/**
 * Has two pages talk before and after a restart of their server, without a reload.
 *
 * @param run Starts the server.
 * @param url The address of the pages.
 * @returns How long the first message took, and for how long the server was back when both pages were.
 */
async function talk(
  run: () => Promise<Background>,
  url: string,
): Promise<{ readonly firstMs: number; readonly backMs: number }> {
  const begun = performance.now();
  let firstMs: number;
  let windows: [Window, Window];
  const hears = (text: string) =>
    waitFor(() => windows[1].said.includes(`lobby: ${text}`), {
      what: `the page to hear "${text}"`,
      timeoutMs: 30_000,
    });
  const are = (status: string) =>
    waitFor(
      async () =>
        (await Promise.all(windows.map(({ page }) => page.title()))).every((title) => title === status),
      { what: `both pages to be ${status}`, timeoutMs: 15_000 },
    );
  {
    await using _server = await run();
    windows = [await open(url), await open(url)];
    await hears("hi");
    firstMs = performance.now() - begun;
  }
  await are("reconnecting");
  await using _server = await run();
  const up = performance.now();
  await are("open");
  const backMs = performance.now() - up;
  await windows[0].page.mouse.click(10, 10);
  await hears("still here");
  for (const { page } of windows) await page.close();
  return { firstMs, backMs };
}

test(
  "the README's chat goes on after a restart of its server, on Deno and on Bun, in pages of Vite on another port",
  async () => {
    const begun = performance.now();
    await using consumer = await Consumer.create();
    const [hubPort, pagePort] = [await freePort(), await freePort()];
    await write(consumer, hubPort, pagePort);
    await install(consumer);
    console.log(`installed after ${seconds(performance.now() - begun)}`);

    const vite = ["node", "node_modules/vite/bin/vite.js", "--port", String(pagePort), "--strictPort"];
    await using site = new Background(vite, join(consumer.folder, "my-page"));
    await waitFor(() => site.output.includes("ready in"), { what: "Vite to be ready", timeoutMs: 60_000 });
    const bun = await ownPathOfBun();
    const servers = {
      deno: [Deno.execPath(), "serve", "--allow-net", "--port", String(hubPort)],
      bun: [bun],
    };
    for (const [runtime, command] of Object.entries(servers)) {
      for (const way of WAYS) {
        const run = () => start([...command, `server_${way}.ts`], consumer.folder, hubPort);
        const { firstMs, backMs } = await talk(run, `http://localhost:${pagePort}/${way}.html`);
        console.log(
          `${runtime}, ${way}: first message after ${seconds(firstMs)}, back ${
            seconds(backMs)
          } after the server`,
        );
      }
    }
  },
  { timeoutMs: 300_000 }, // most of it is the packing, and npm's
);

/** Not npx: a signal ends that, and the server goes on. */
async function ownPathOfBun(): Promise<string> {
  const bun = await findRuntime("bun");
  assert(bun, "Cannot start a server on Bun: neither bun nor npx is on the PATH");
  const { code, output } = await capture([...bun, "--print", "process.execPath"]);
  assertEquals(code, 0, output);
  return output.trim().split("\n").at(-1)!;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
