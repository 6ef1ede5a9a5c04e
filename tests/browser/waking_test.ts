import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { bundle } from "../../examples/demo/bundle.ts";
import { WELCOME } from "../client/fake_server.ts";
import { serveSockets } from "../client/socket_server.ts";
import { test, waitFor } from "../harness.ts";
import { serve } from "../serve.ts";
import { browser } from "./browser.ts";

/** A heartbeat so long that no test waits for it: losses must be noticed in other ways. */
const HEARTBEAT_MS = 600_000;

/** A page with a client, and the server that it talks to. */
interface Scene {
  readonly page: Page;
  /** Sends a command to the browser by its debugging protocol. */
  send(method: string, params?: object): Promise<unknown>;
  /** How many pings came. */
  readonly pings: number;
  /** Whether links that are open hear no answer any more; a new one does. */
  deaf: boolean;
  /** Closes all links. */
  drop(): void;
  /** Waits until the client says where it stands. */
  stands(title: string, timeoutMs?: number): Promise<void>;
}

async function withPage(play: (scene: Scene) => Promise<void>): Promise<void> {
  const [code] = await bundle(new URL("./waking_page.ts", import.meta.url));
  const site = serve({
    fetch: (request) =>
      new URL(request.url).pathname === "/page.js"
        ? new Response(code, { headers: { "content-type": "text/javascript" } })
        : new Response(`<script type="module" src="/page.js"></script>`, {
          headers: { "content-type": "text/html" },
        }),
  });
  const scene = { pings: 0, deaf: false };
  await using server = serveSockets(([kind], say) => {
    if (kind === "hello") {
      scene.deaf = false;
      say(["welcome", { ...WELCOME, heartbeatMs: HEARTBEAT_MS }]);
    }
    if (kind === "ping") {
      scene.pings++;
      if (!scene.deaf) say(["pong"]);
    }
  });
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await page.goto(`http://127.0.0.1:${site.port}/#${server.url}`);
    await play(Object.assign(scene, {
      page,
      send: (method: string, params?: object) => session.send(method as never, params as never),
      drop: () => server.dropAll(),
      stands: (title: string, timeoutMs = 5_000) =>
        waitFor(async () => await page.title() === title, {
          what: `the client to be ${title}`,
          timeoutMs,
          intervalMs: 25,
        }).then(() => {}),
    }));
  } finally {
    await context.close();
    await site.close();
  }
}

const network = (offline: boolean) => ({ offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });

test(
  "a page that is online again proves its link, and replaces one that is dead within seconds",
  async () => {
    await withPage(async (scene) => {
      await scene.stands("open 1");
      await scene.send("Network.enable");
      await scene.send("Network.emulateNetworkConditions", network(true));
      await scene.send("Network.emulateNetworkConditions", network(false));
      await waitFor(() => scene.pings === 1, { what: "a ping" });
      await scene.stands("open 1");

      scene.deaf = true;
      const start = performance.now();
      await scene.send("Network.emulateNetworkConditions", network(true));
      await scene.send("Network.emulateNetworkConditions", network(false));
      await scene.stands("open 2");
      assert(performance.now() - start < 4_500);
      assertEquals(scene.pings, 2);
    });
  },
  { timeoutMs: 60_000 },
);

test("a page that is online again does not sit out its wait for the next attempt", async () => {
  await withPage(async (scene) => {
    await scene.stands("open 1");
    scene.drop();
    await scene.stands("reconnecting 1");
    await scene.send("Network.enable");
    await scene.send("Network.emulateNetworkConditions", network(true));
    await scene.send("Network.emulateNetworkConditions", network(false));
    await scene.stands("open 2");
  });
}, { timeoutMs: 60_000 });

test("a page whose scripts stood still for some seconds proves its link when they go on", async () => {
  await withPage(async (scene) => {
    await scene.stands("open 1");
    await scene.send("Debugger.enable");
    await scene.send("Debugger.pause");
    scene.deaf = true;
    const start = performance.now();
    await waitFor(() => performance.now() - start > 6_000, {
      what: "the sleep to be over",
      timeoutMs: 10_000,
    });
    await scene.send("Debugger.resume");
    await scene.stands("open 2");
    assertEquals(scene.pings, 1);
  });
}, { timeoutMs: 60_000 });

// Headless browsers never hide, freeze or cache a page, so the test sends the events itself.
test("a page that is shown again, unfrozen or back from the cache proves its link", async () => {
  await withPage(async (scene) => {
    await scene.stands("open 1");
    for (const event of ["visibilitychange", "resume", "pageshow"]) {
      const before = scene.pings;
      // Again and again: until the client has heard the last pong, it need not ask.
      await waitFor(async () => {
        await scene.page.evaluate((event) => {
          const target = event === "pageshow"
            ? globalThis
            : (globalThis as unknown as { document: EventTarget }).document;
          target.dispatchEvent(new Event(event, { bubbles: true }));
        }, event);
        return scene.pings > before;
      }, { what: `a ping after ${event}`, intervalMs: 25 });
    }
    await scene.stands("open 1");
  });
}, { timeoutMs: 60_000 });
