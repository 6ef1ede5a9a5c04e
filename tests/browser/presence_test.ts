import { assertEquals } from "@std/assert";
import { createHub } from "@trunkline/hub";
import { CLOSE_CODES } from "@trunkline/hub/contract";
import type { BrowserContext, Page } from "playwright-core";
import { bundle } from "../../examples/demo/bundle.ts";
import { test, waitFor } from "../harness.ts";
import { serve } from "../serve.ts";
import { browser } from "./browser.ts";
import { contract } from "./presence_contract.ts";

const HTML = `<label><input type="checkbox" id="typing"> Typing</label>
<b id="opened"></b><pre id="members"></pre><pre id="events"></pre>
<script type="module" src="/page.js"></script>`;

/** A page, by what is read on it. */
class PresencePage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Waits until these are listed, and the view is whole. */
  async shows(...members: string[]): Promise<void> {
    const expected = JSON.stringify([`live ${members.length}`, members.join("\n")]);
    const seen = async () =>
      JSON.stringify([await this.page.title(), await this.page.locator("#members").innerText()]);
    await waitFor(async () => await seen() === expected, {
      what: `${expected} to be shown`,
      timeoutMs: 10_000,
      intervalMs: 50,
    });
  }

  /** The events, by line. */
  async events(): Promise<string[]> {
    return (await this.page.locator("#events").innerText()).split("\n").filter((line) => line !== "");
  }
}

/** A hub that pages come from. */
async function withPages(
  play: (open: (user: string) => Promise<PresencePage>, loseLinks: () => void) => Promise<void>,
): Promise<void> {
  const conns = new Map<string, { close(options: { code: number }): void }>();
  const [code] = await bundle(new URL("./presence_page.ts", import.meta.url));
  const hub = createHub(contract, {
    authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
    presence: { leaveAfterMs: 3_000, intervalMs: 10 },
    onConnection(conn) {
      conns.set(conn.id, conn);
      conn.signal.addEventListener("abort", () => conns.delete(conn.id));
    },
  });
  hub.implement({ member: { join: (room, { conn }) => hub.room(room).add(conn) } });
  await hub.ready;
  const site = serve({
    fetch(request, platform) {
      if (request.headers.has("upgrade")) return hub.routes.fetch(request, platform as never);
      return new URL(request.url).pathname === "/page.js"
        ? new Response(code, { headers: { "content-type": "text/javascript" } })
        : new Response(HTML, { headers: { "content-type": "text/html" } });
    },
  });
  let context: BrowserContext | undefined;
  try {
    context = await browser.newContext();
    const own = context;
    const open = async (user: string) => {
      const page = await own.newPage();
      await page.goto(`http://127.0.0.1:${site.port}/#ws://127.0.0.1:${site.port}/|${user}`);
      return new PresencePage(page);
    };
    await play(open, () => [...conns.values()].forEach((conn) => conn.close({ code: CLOSE_CODES.INTERNAL })));
  } finally {
    await context?.close();
    await hub.close();
    await site.close();
  }
}

test("pages of a browser see who comes, types and leaves; a reload and a lost link are neither", async () => {
  await withPages(async (open, loseLinks) => {
    const ann = await open("ann");
    await ann.shows("ann");
    const bob = await open("bob");
    for (const page of [ann, bob]) await page.shows("ann", "bob");
    await bob.page.locator("#typing").check();
    for (const page of [ann, bob]) await page.shows("ann", "bob types");

    // Two tabs of a user are one member. With the one that types goes what it has said.
    const tab = await open("bob");
    await tab.shows("ann", "bob types");
    await bob.page.close();
    for (const page of [ann, tab]) await page.shows("ann", "bob");
    await tab.page.reload();
    await tab.shows("ann", "bob");

    // All links are lost: the states of the members come back with them.
    await tab.page.locator("#typing").check();
    for (const page of [ann, tab]) await page.shows("ann", "bob types");
    const before = await ann.events();
    assertEquals(before.filter((line) => line !== "update bob"), ["join bob"]);
    loseLinks();
    for (const { page } of [ann, tab]) await page.locator("#opened", { hasText: "2" }).waitFor();
    await ann.shows("ann", "bob types");
    await tab.shows("ann", "bob types");

    await tab.page.close();
    await ann.shows("ann");
    assertEquals((await ann.events()).filter((line) => line !== "update bob"), ["join bob", "leave bob"]);
  });
}, { timeoutMs: 60_000 });
