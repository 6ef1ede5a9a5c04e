/**
 * The demo, and windows of a browser that look at it.
 *
 * @module
 */

import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { Program } from "../examples/program.ts";
import { waitFor, type WaitForOptions } from "../harness.ts";
import { browser } from "./browser.ts";

/** How long to wait for what a page shows, and how often to look: each look takes time of the page, and of the browser. */
const LOOKING: WaitForOptions = { timeoutMs: 15_000, intervalMs: 100 };

/** The demo that runs, and its windows. */
export class Demo implements AsyncDisposable {
  readonly #program: Program;
  readonly #url: string;
  readonly #contexts: BrowserContext[] = [];

  private constructor(program: Program, url: string) {
    this.#program = program;
    this.#url = url;
  }

  /** Starts the demo at free ports. */
  static start(...flags: string[]): Promise<Demo> {
    return Demo.startWith({}, ...flags);
  }

  /** Does the same with variables in the environment. */
  static async startWith(env: Readonly<Record<string, string>>, ...flags: string[]): Promise<Demo> {
    const program = new Program(
      ["run", "--allow-all", "examples/demo/main.ts", "--port", "0", ...flags],
      env,
    );
    try {
      const [, url] = await program.printed(/Open (http:\/\/127\.0\.0\.1:\d+) /);
      return new Demo(program, url!);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Opens the page like a new user. */
  async visit(options: BrowserContextOptions): Promise<DemoWindow> {
    const view = await this.#newWindow(options);
    await view.page.goto(this.#url);
    return view;
  }

  /** Opens a window that shares nothing with the others, and waits until a node serves it. */
  async open(name: string, node: number, options: BrowserContextOptions = {}): Promise<DemoWindow> {
    const view = await this.#newWindow(options);
    const { page } = view;
    await page.goto(`${this.#url}/?name=${name}&node=${node}&alone`);
    await view.hasStatus(`Connected to node ${node}`);
    // The people come when the room is entered.
    await page.locator(".person", { hasText: name }).waitFor();
    return view;
  }

  async #newWindow(options: BrowserContextOptions): Promise<DemoWindow> {
    // Drawing each frame without a graphics card takes more of the processor than all nodes.
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    return new DemoWindow(page, this.#url);
  }

  /** Closes all windows. */
  async closeWindows(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeWindows();
    try {
      // As a person would; the test fails if the demo does not end by that.
      this.#program.interrupt();
      await waitFor(() => this.#program.hasEnded, { timeoutMs: 10_000, what: "the demo to end" });
    } finally {
      await this.#program[Symbol.asyncDispose]();
    }
  }
}

/** A window, by what a person sees in it. */
export class DemoWindow {
  readonly page: Page;
  /** The faults: errors in the console, and requests to other addresses than the demo. */
  readonly problems: string[] = [];

  constructor(page: Page, url: string) {
    this.page = page;
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.problems.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${url}/`)) this.problems.push(`It asked for ${request.url()}`);
    });
  }

  /** Waits until the status says something. */
  async hasStatus(text: string): Promise<void> {
    await this.page.getByRole("status").filter({ hasText: text }).waitFor();
  }

  /** Waits until it has moved to another node, and tells which. */
  async movedTo(): Promise<number> {
    const status = this.page.getByRole("status").filter({ hasText: /Moved to node \d/ });
    await status.waitFor();
    return Number(/Moved to node (\d)/.exec(await status.innerText())![1]);
  }

  /** Writes a message and sends it. */
  async say(text: string): Promise<void> {
    await this.page.getByLabel("Message to").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Waits until a message is there, and has been taken by a node. */
  async hears(text: string): Promise<void> {
    await this.page.locator('.message[data-state="sent"]', { hasText: text }).waitFor();
  }

  /** The messages that are shown, in order. */
  async messages(): Promise<string[]> {
    return await this.page.locator(".panel:not([hidden]) .message .text").evaluateAll((elements) =>
      elements.map((element) => element.firstChild?.textContent ?? "")
    );
  }

  /** The people in the room, and their nodes or what is wrong with these. */
  async people(): Promise<string[]> {
    return await this.page.locator(".panel:not([hidden]) .person:not([data-gone])").evaluateAll((people) =>
      people.map((person) =>
        [".who", ".where"].map((part) => person.querySelector(part)!.textContent).join(" ")
      )
    );
  }

  /** Waits until the people in the room, and their nodes, are these. */
  async hasPeople(...people: string[]): Promise<void> {
    const seen: string[] = [];
    await waitFor(async () => {
      seen.splice(0, seen.length, ...await this.people());
      return seen.map((text) => text.replace(" · you", "")).join() === people.join();
    }, { ...LOOKING, what: `people ${people}` }).catch((error) => {
      throw new Error(`${error.message}, not ${seen}`, { cause: error });
    });
  }

  /** Presses a node's button. */
  async press(action: "Start" | "Stop" | "Kill", node: number): Promise<void> {
    await this.page.getByRole("button", { name: `${action} node ${node}` }).click();
  }

  /** Waits until a node is said to be something. */
  async nodeIs(node: number, text: string): Promise<void> {
    await this.page.locator(`.node[data-node="${node}"] .facts`, { hasText: text }).waitFor();
  }

  /**
   * Waits until one other node than this one is said to publish the prices, and tells which. When it changes hands two may
   * be said to for a moment, as their reports come one after the other.
   */
  async publisherOtherThan(node: number): Promise<number> {
    const publisher = this.page.locator(
      `.node:not([data-node="${node}"]):has(.badge:text-is("ticker"):visible)`,
    );
    return await waitFor(async () => {
      const nodes = await publisher.evaluateAll((found) => found.map((one) => one.getAttribute("data-node")));
      return nodes.length === 1 && Number(nodes[0]);
    }, { ...LOOKING, what: "one node to publish the prices" });
  }

  /** Waits until the price has changed a few times. */
  async seesPricesMove(): Promise<void> {
    const prices = new Set<string>();
    await waitFor(async () => prices.add(await this.page.locator("#price").innerText()).size > 4, {
      ...LOOKING,
      what: "the price to move",
    });
  }
}
