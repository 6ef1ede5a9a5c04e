/**
 * `deno task demo:picture`: records the demo's page while a node is killed, for the README.
 *
 * @module
 */

import { join } from "node:path";
import { type Browser, chromium, type FrameLocator, type Page } from "playwright-core";
import { ROOT } from "./files.ts";
import { findProgram } from "./process.ts";
import { animatedPng } from "./picture/animated_png.ts";
import { framesOf, type Shot } from "./picture/frame_encoder.ts";

const FILE = "docs/demo.png";
/** High enough so that nothing scrolls; the part below the windows is cut off. */
const SIZE = { width: 1120, height: 780 };
/** The shortest time between two frames, in milliseconds. */
const EVERY_MS = 120;
const MAX_BYTES = 1_500_000;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Starts the demo on free ports. */
async function startDemo(): Promise<{ url: string; end(): Promise<void> }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "demo", "--port", "0"],
    cwd: ROOT,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let output = "";
  const found = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      const url = /Open (http:\S+) /.exec(output)?.[1];
      if (url) found.resolve(url);
    }
    found.reject(new Error(`The demo ended before its page was ready: ${output}`));
  })();
  const end = async () => {
    child.kill("SIGINT");
    await child.status;
    await reading;
  };
  return { url: await found.promise, end };
}

/** Takes screenshots of a page until it is stopped. */
async function film(page: Page): Promise<() => Promise<{ shots: Shot[]; endMs: number }>> {
  const session = await page.context().newCDPSession(page);
  const shots: Shot[] = [];
  const start = performance.now();
  session.on("Page.screencastFrame", ({ data, sessionId }) => {
    const atMs = performance.now() - start;
    if (atMs - (shots.at(-1)?.atMs ?? -Infinity) >= EVERY_MS) shots.push({ png: data, atMs });
    void session.send("Page.screencastFrameAck", { sessionId });
  });
  await session.send("Page.startScreencast", { format: "png", everyNthFrame: 4 });
  return async () => {
    await session.send("Page.stopScreencast");
    return { shots, endMs: performance.now() - start };
  };
}

/** A visible pointer: the pointer of the system is not in screenshots. */
async function showPointer(page: Page): Promise<(selector: string) => Promise<void>> {
  await page.evaluate(() => {
    const pointer = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    pointer.setAttribute("viewBox", "0 0 20 24");
    pointer.id = "pointer";
    const arrow = document.createElementNS("http://www.w3.org/2000/svg", "path");
    arrow.setAttribute("d", "M2 1v18l5-4 3 8 3.4-1.4-3-7.6H17z");
    arrow.setAttribute("fill", "#fff");
    arrow.setAttribute("stroke", "#111");
    arrow.setAttribute("stroke-width", "1.5");
    pointer.append(arrow);
    Object.assign(pointer.style, {
      position: "fixed",
      left: "560px",
      top: "640px",
      width: "22px",
      height: "26px",
      zIndex: "99",
      pointerEvents: "none",
      transition: "left 0.7s ease-in-out, top 0.7s ease-in-out",
    });
    document.body.append(pointer);
  });
  return async (selector) => {
    const box = (await page.locator(selector).boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.evaluate(([x, y]) => {
      Object.assign(document.getElementById("pointer")!.style, { left: `${x}px`, top: `${y}px` });
    }, [x, y]);
    await pause(800);
    await page.mouse.click(x, y);
  };
}

/** Types a message word by word, and sends it. */
async function say(window: Page | FrameLocator, text: string): Promise<void> {
  const field = window.locator("#message");
  for (const { index, 0: word } of text.matchAll(/\S+\s*/g)) {
    await field.fill(text.slice(0, index + word.length));
    await pause(90);
  }
  await field.press("Enter");
}

/** The scene: two windows chat, one of their nodes is killed, and they go on. */
async function play(page: Page): Promise<void> {
  const second = page.frameLocator("#second");
  const press = await showPointer(page);
  await pause(600);
  await say(page, "Hello from my server!");
  await pause(1_000);
  await say(second, "Hi! I am on another one.");
  await pause(1_200);
  await press('.node[data-here="true"] .danger');
  await say(second, "Still there?");
  await page.locator('#score[data-state="whole"]').waitFor();
  await say(page, "Still here. Nothing lost.");
  await pause(3_000);
}

/** Records the demo. */
async function pictureOf(browser: Browser, url: string): Promise<Uint8Array> {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
  page.setDefaultTimeout(60_000); // recording takes most of a processor
  await page.goto(url);
  await page.frameLocator("#second").getByText("Connected to node").waitFor();
  await pause(8_000); // wait until the chart has prices
  const stop = await film(page);
  await play(page);
  const { shots, endMs } = await stop();
  const windows = (await page.locator("#chat").boundingBox())!;
  const height = Math.ceil(windows.y + windows.height) + 16;
  const studio = await browser.newPage();
  const frames = await framesOf(studio, shots, endMs, height);
  console.log(`${shots.length} pictures in ${(endMs / 1000).toFixed(1)} s, ${frames.length} of which differ`);
  return animatedPng(frames);
}

const executablePath = Deno.env.get("CHROMIUM") ??
  await findProgram("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");
if (!executablePath) {
  console.error("Cannot record the demo: there is no chromium on the PATH, and CHROMIUM does not name one");
  Deno.exit(1);
}
const demo = await startDemo();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const film = await pictureOf(browser, demo.url);
  await Deno.writeFile(join(ROOT, FILE), film);
  console.log(`${FILE}: ${Math.round(film.length / 1000)} kB`);
  if (film.length > MAX_BYTES) {
    console.error(
      `${FILE} is larger than the ${MAX_BYTES / 1000} kB that readers of a README should have to load`,
    );
    Deno.exitCode = 1;
  }
} finally {
  await browser.close();
  await demo.end();
}
