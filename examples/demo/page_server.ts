/**
 * Serves the page, and does what its buttons ask for.
 *
 * @module
 */

import { Hono } from "hono";
import { Assigner } from "./assign.ts";
import type { PageConfig } from "./contract.ts";
import { codePage } from "./excerpts.ts";
import { type Action, ACTIONS, type Supervisor } from "./supervisor.ts";

/** What {@linkcode createPageServer} needs. */
export interface PageServerOptions {
  /** The page's code, bundled. */
  readonly script: string;
  /** That of the page that shows code. */
  readonly codeScript: string;
  /** Its style, bundled. */
  readonly style: string;
  /** The name of the adapter. */
  readonly adapter: string;
  /** What runs the nodes. */
  readonly supervisor: Supervisor;
  /** The broker, where it is the demo's own. */
  readonly broker: OwnBroker | undefined;
  /** Where this server is, as pages see it. */
  readonly origins: readonly string[];
}

/** A broker that can be taken away and brought back. */
export interface OwnBroker {
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Nothing from elsewhere, nothing inline; in a frame only the second window of the page. */
const policy = (ancestors: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self' ws://127.0.0.1:*",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors}`,
  ].join("; ");

/**
 * Makes the server of the page.
 *
 * @param options The page's code, and what runs the nodes.
 */
export async function createPageServer(options: PageServerOptions): Promise<Hono> {
  const { script, codeScript, style, adapter, supervisor, broker, origins } = options;
  const read = (name: string) => Deno.readTextFile(new URL(`./page/${name}`, import.meta.url));
  const [page, icon, code] = await Promise.all([read("index.html"), read("icon.svg"), codePage()]);
  const assigner = new Assigner();
  let windows = assigner.next(supervisor.slots);

  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("content-security-policy", policy(c.req.path === "/second" ? "'self'" : "'none'"));
    c.header("x-content-type-options", "nosniff");
    c.header("referrer-policy", "no-referrer");
    c.header("cache-control", "no-store");
  });
  // The second window is the same page, in a frame of the first one, which says who and where it is.
  app.on("GET", ["/", "/second"], (c) => {
    const { canKill, slots } = supervisor;
    if (c.req.path === "/") windows = assigner.next(slots);
    const config: PageConfig = { adapter, canKill, ownBroker: broker !== undefined, slots, windows };
    // In a script element only `<` could end it early.
    return c.html(page.replace('"CONFIG"', () => JSON.stringify(config).replaceAll("<", "\\u003c")));
  });
  app.get("/code", (c) => c.html(code));
  app.get("/main.js", (c) => c.body(script, 200, { "content-type": "text/javascript; charset=utf-8" }));
  app.get("/code.js", (c) => c.body(codeScript, 200, { "content-type": "text/javascript; charset=utf-8" }));
  app.get("/main.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));
  app.get("/icon.svg", (c) => c.body(icon, 200, { "content-type": "image/svg+xml" }));
  app.post("*", async (c, next) => {
    // Any page that is open in the browser can post here: only this one may.
    if (origins.includes(c.req.header("origin") ?? "")) return await next();
    return c.json({ error: "Not from this page" }, 403);
  });
  app.post("/broker/:action{kill|start}", async (c) => {
    if (!broker) return c.json({ error: "The broker is not the demo's own" }, 409);
    try {
      await (c.req.param("action") === "kill" ? broker.kill() : broker.start());
    } catch (error) {
      return c.json({ error: (error as Error).message }, 409);
    }
    return c.json({});
  });
  app.post("/nodes/:number/:action", async (c) => {
    const { number, action } = c.req.param();
    if (!isAction(action)) return c.json({ error: `There is no action "${action}"` }, 404);
    try {
      await supervisor.act(Number(number), action);
    } catch (error) {
      return c.json({ error: (error as Error).message, slots: supervisor.slots }, 409);
    }
    return c.json({ slots: supervisor.slots });
  });
  return app;
}

function isAction(text: string): text is Action {
  return (ACTIONS as readonly string[]).includes(text);
}
